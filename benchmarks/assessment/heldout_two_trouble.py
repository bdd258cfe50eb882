"""Held-out set two: customers who leave or shrink, and trouble, present or past."""

from __future__ import annotations

from benchmarks.assessment.heldout import case
from benchmarks.assessment.scenarios import A, E, N, R, quick, t, team, u

SCENARIOS = [
    # Leaving or shrinking.
    case(
        "Layoffs, fewer seats at the renewal",
        A,
        R,
        customer="Tidewater Freight",
        industry="Logistics",
        size=620,
        arr=96000,
        renewal=66,
        products={"Routes": "good"},
        users=team(22, 9, 10),
        tickets=[
            t(50, "New depot in Hull, how do we add a region?", resolved=49.5, rating=5),
            t(
                9,
                "Hi Mel, you'll have seen the news, we are letting a third of the office go. At "
                "renewal we'll need about 25 seats instead of 80. Can you send a revised quote? "
                "Sorry, not the mail I wanted to write. Graham",
                resolved=8,
            ),
        ],
        names=("churn.",),
    ),
    case(
        "Will not extend, in Swedish",
        R,
        customer="Björkhagens Fastigheter",
        industry="Real estate",
        size=70,
        arr=14000,
        renewal=52,
        products={"Core": "fair"},
        users=team(5, 7, 8),
        tickets=[
            t(
                7,
                "Hej! Efter årets genomgång har vi beslutat att inte förlänga avtalet när det löper "
                "ut. Tack för den här tiden. Vänliga hälsningar, Annika",
                resolved=6,
            )
        ],
        names=("churn.",),
    ),
    case(
        "Tries a competitor side by side",
        R,
        A,
        customer="Juniper & Rye",
        industry="Hospitality",
        size=95,
        arr=22000,
        renewal=84,
        products={"Desk": "good"},
        users=team(9, 9, 11),
        tickets=[
            t(
                10,
                "fyi two of our sites are running a pilot with Zendesk next to you for the next "
                "month, boss wants to compare. is there a way to mirror the tickets into both?",
                resolved=9,
            )
        ],
        names=("churn.",),
    ),
    case(
        "Asks for the notice period, in Dutch",
        R,
        A,
        customer="Kuipers Groothandel",
        industry="Wholesale",
        size=130,
        arr=26500,
        renewal=95,
        products={"Shop": "good"},
        users=team(8, 8, 8),
        tickets=[
            t(
                5,
                "Goedemiddag, wat is de opzegtermijn van ons abonnement en voor welke datum moet een "
                "opzegging bij jullie binnen zijn? Alvast bedankt, Marijke",
                resolved=4.7,
            )
        ],
        names=("churn.",),
    ),
    case(
        "Studies other solutions, in French",
        R,
        A,
        customer="Groupe Lacaze",
        industry="Construction",
        size=540,
        arr=61000,
        renewal=100,
        products={"Core": "good"},
        users=team(16, 8, 9),
        tickets=[
            t(
                12,
                "Bonjour Claire, en toute transparence nous étudions actuellement d'autres solutions "
                "du marché en vue de l'échéance. Pourriez-vous nous adresser votre meilleure offre "
                "avant la fin du mois ? Bien cordialement, Hervé",
                resolved=11,
            )
        ],
        names=("churn.",),
    ),
    case(
        "Insolvency, in German",
        R,
        customer="Reuter Metallbau",
        industry="Manufacturing",
        size=160,
        arr=31000,
        renewal=140,
        products={"Core": "fair"},
        users=team(6, 6, 9),
        tickets=[
            t(
                6,
                "<p>Sehr geehrte Damen und Herren,</p><p>über das Vermögen der Reuter Metallbau GmbH "
                "wurde das Insolvenzverfahren eröffnet. Bitte richten Sie Forderungen ausschließlich "
                "an den Insolvenzverwalter. Neue Bestellungen werden nicht mehr ausgelöst.</p>",
                title="Insolvenzverfahren Reuter Metallbau GmbH",
            )
        ],
        names=("churn.",),
    ),
    case(
        "Will look elsewhere because of the price",
        R,
        A,
        customer="Little Acorns Nurseries",
        industry="Education",
        size=85,
        arr=12400,
        renewal=48,
        products={"Class": "good"},
        users=team(10, 12, 12),
        tickets=[
            t(
                4,
                [
                    (4, "22% more from next term?? with 6 weeks notice? We're a nursery not a bank."),
                    (
                        2,
                        "I've read your answer. If that's the final price we'll have to look "
                        "elsewhere, simple as that.",
                    ),
                ],
                title="Your price letter",
            )
        ],
        names=("churn.",),
    ),
    case(
        "Lawyers about the service level",
        R,
        A,
        customer="Aldermoor Energy",
        industry="Energy",
        size=1900,
        arr=205000,
        renewal=160,
        products={"Core": "good"},
        users=team(24, 10, 11),
        tickets=[
            t(41, "Reports unavailable for 9 hrs, third incident this quarter", resolved=39, rating=2),
            t(
                8,
                "Availability was 98.1% against the 99.9% we contracted. You have not replied to our "
                "claim for service credits. Our counsel will write to you separately and we reserve "
                "all rights, including termination for cause.\n\nJ. Okafor, General Counsel",
                title="Service credits - formal notice",
                waiting=8,
            ),
        ],
        names=("support.overdue",),
    ),
    case(
        "Most of the team has left",
        R,
        A,
        customer="Sable Interactive",
        industry="Games",
        size=48,
        arr=19000,
        renewal=90,
        products={"Suite": ("poor", "good", 18)},
        users=[
            u("Mina Sato", 0, 15, stakeholder=True, left=20),
            u("Greg Holt", 0, 14, left=20),
            u("Ada Lind", 0, 12, left=19),
            u("Piet Vos", 1, 12, left=19),
            u("Ruth Amsel", 0, 9, left=17),
            *team(3, 5, 9),
        ],
        names=("people.left", "usage."),
    ),
    # Trouble, and what came of it.
    case(
        "Hospital with a dangerous fault, three days old",
        A,
        R,
        customer="St Brannoc's Hospital",
        industry="Healthcare",
        size=2600,
        arr=174000,
        renewal=250,
        products={"Core": "good"},
        users=team(28, 14, 14),
        tickets=[
            t(
                3,
                [
                    (
                        3,
                        "URGENT: the medication list shows doses from the previous patient after "
                        "switching wards. This is a patient safety issue.",
                    ),
                    (
                        2,
                        "We have told staff to go back to paper. We need a named engineer and a time "
                        "for the fix today.",
                    ),
                    (0.6, "Still nothing but 'we are looking into it'. This is not acceptable for a hospital."),
                ],
                title="URGENT patient safety",
                waiting=0.6,
            )
        ],
        names=("tone.",),
    ),
    case(
        "Never cross, but the same fault for the fourth time",
        A,
        customer="Thistle Travel",
        industry="Travel",
        size=30,
        arr=8800,
        renewal=130,
        products={"Desk": "good"},
        users=team(5, 11, 11),
        tickets=[
            t(
                27,
                [
                    (27, "Hello! tiny thing, the itinerary export leaves out the last day. Thank you :)"),
                    (20, "So sorry to bother you again, it's back. Last day missing."),
                    (13, "Me again, sorry!! Same thing with the export I'm afraid"),
                    (6, "Hi, hope you had a nice weekend. Unfortunately the last day is missing again..."),
                ],
                reopened=3,
                replied=12,
                waiting=6,
            )
        ],
        names=("support.reopened",),
    ),
    case(
        "Disappointed, in Italian",
        A,
        R,
        customer="Pasticceria Bonfanti",
        industry="Food",
        size=25,
        arr=4100,
        renewal=120,
        products={"Shop": "good"},
        users=team(4, 10, 10),
        tickets=[
            t(
                11,
                [
                    (11, "Buongiorno, dopo l'aggiornamento gli ordini del sabato spariscono. Potete verificare?"),
                    (
                        5,
                        "Sono molto deluso. Sabato abbiamo perso dodici ordini di torte e nessuno ci "
                        "ha richiamato. Un servizio pessimo.",
                    ),
                ],
                waiting=5,
            )
        ],
        names=("tone.", "support.overdue"),
    ),
    case(
        "A storm three months ago, calm since",
        E,
        customer="Copperfield Books",
        industry="Retail",
        size=115,
        arr=24000,
        renewal=210,
        products={"Shop": "good"},
        users=team(9, 13, 11),
        tickets=[
            t(97, "If checkout breaks once more on a Saturday we are gone. I mean it.", resolved=94, rating=1),
            t(40, "How do we set up the gift card promo?", resolved=39.7, rating=5),
            t(12, "Promo ran without a hitch, thank you both!", resolved=11.9, rating=5),
        ],
        names=("usage.",),
    ),
    case(
        "Cancelled, then signed for two years",
        E,
        N,
        customer="Waverley Leisure",
        industry="Sports",
        size=340,
        arr=47000,
        renewal=720,
        products={"Desk": "good"},
        users=team(11, 10, 10),
        tickets=[
            t(34, "Please take this as notice, we are cancelling at the end of the term.", title="Notice", resolved=30),
            t(
                6,
                "Good news from the board: we are staying! Please disregard our cancellation, the "
                "signed two-year renewal is attached. Thanks for the work you put into this. Fiona",
                title="We're staying",
                resolved=5.5,
            ),
        ],
        names=("usage.",),
    ),
    case(
        "Furious on Monday, content on Thursday",
        E,
        N,
        customer="Bergstrom Auto",
        industry="Automotive",
        size=210,
        arr=37000,
        renewal=165,
        products={"Core": "good"},
        users=team(13, 12, 12),
        tickets=[
            *quick(3, 110, 45, rating=5),
            t(
                9,
                [
                    (9, "You billed us twice and our account is blocked. On month end!! What are you people doing?"),
                    (8.5, "Unblocked, ok. but I want the money back this week."),
                    (
                        6,
                        "Refund is in and the credit note too. Fair enough, that was sorted quickly. "
                        "Have a good weekend",
                    ),
                ],
                title="BLOCKED",
                resolved=5.9,
                rating=4,
            ),
        ],
        names=("usage.",),
    ),
]
