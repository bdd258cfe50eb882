"""Held-out set one: customers who leave, or who are or were in trouble."""

from __future__ import annotations

from benchmarks.assessment.heldout import case
from benchmarks.assessment.scenarios import A, E, N, R, T, quick, t, team

SCENARIOS = [
    # Leaving, said politely.
    case(
        "Polite look around before the renewal",
        R,
        A,
        customer="Harrow & Finch",
        industry="Legal",
        size=140,
        arr=42000,
        renewal=75,
        products={"Core": "good"},
        users=team(9, 11, 11),
        tickets=[
            t(30, "How do I change the footer on the matter report?", resolved=29.6, rating=5),
            t(
                6,
                "Hi Sarah, hope all is well! Just a heads up that our new CFO has asked us to see what else is out "
                "there "
                "before we renew. Nothing personal, your team has been great. Could you send me the current price "
                "list?\n"
                "Best, Tom",
                resolved=5,
            ),
        ],
        names=("churn.",),
    ),
    case(
        "Contract ends, wants an export of everything",
        R,
        customer="Bluebell Nurseries",
        industry="Retail",
        size=60,
        arr=15600,
        renewal=33,
        products={"Shop": "good"},
        users=team(4, 9, 10),
        tickets=[
            t(
                3,
                "Hello, our contract ends next month. Please export all our data (customers, orders, attachments) in "
                "CSV "
                "and let us know when the accounts will be closed. Many thanks, Moira",
            )
        ],
        names=("churn.",),
    ),
    case(
        "Procurement asks for the termination clause",
        R,
        A,
        customer="Castellan Group",
        industry="Manufacturing",
        size=2300,
        arr=128000,
        renewal=110,
        products={"Core": "good"},
        users=team(25, 8, 8),
        tickets=[
            t(40, "Two new starters need access pls: see list attached", resolved=39.5),
            t(
                8,
                "Good morning,\nProcurement have asked me for our notice period and where to find the termination "
                "clause "
                "in the master agreement. Could you point me to the right section?\nKind regards\nP. Adeyemi\n"
                "Sent from my iPhone",
                resolved=7,
            ),
        ],
        names=("churn.",),
    ),
    case(
        "Bought by a group that has its own system",
        R,
        A,
        customer="Solvik Logistics",
        industry="Logistics",
        size=400,
        arr=71000,
        renewal=130,
        products={"Routes": "good"},
        users=team(12, 10, 10),
        tickets=[
            t(
                11,
                "As you may have read we were acquired by Nordwind last month. They run their own TMS and the "
                "integration "
                "office will decide by end of quarter which system stays. Until then no new modules please.",
                resolved=10,
            )
        ],
        names=("churn.",),
    ),
    case(
        "Ending the contract in Japanese",
        R,
        customer="Aozora Seiki",
        industry="Manufacturing",
        size=210,
        arr=36000,
        renewal=45,
        products={"Core": "fair"},
        users=team(6, 6, 7),
        tickets=[
            t(
                5,
                "お世話になっております。来月末をもちまして契約を終了したく存じます。"
                "データの書き出し方法を教えていただけますでしょうか。よろしくお願いいたします。",
            )
        ],
        names=("churn.",),
    ),
    # Anger, trouble and what came of it.
    case(
        "Critical outage at a big customer, resolved well",
        E,
        T,
        customer="Meridian Mutual",
        industry="Insurance",
        size=4200,
        arr=310000,
        renewal=190,
        products={"Core": "good"},
        users=team(30, 15, 15),
        tickets=[
            t(
                12,
                [
                    (12, "PRODUCTION DOWN - nobody in claims can log in since 8:10. 300 people idle. Call me NOW"),
                    (11.9, "Still down??"),
                    (11.8, "We're back. Thanks for staying on the call."),
                    (
                        10.5,
                        "Got the root cause report, very thorough. My boss was impressed by how open you were about "
                        "it. "
                        "Consider this closed from our side.",
                    ),
                ],
                title="PRODUCTION DOWN",
                resolved=10.4,
                rating=5,
                remark="Outage was bad, the handling was excellent",
            ),
            t(4, "quick one - can we get the audit log as xlsx?", resolved=3.8),
        ],
        names=("usage.",),
    ),
    case(
        "Sarcastic all the way",
        A,
        customer="Pixel & Plume",
        industry="Media",
        size=35,
        arr=9800,
        renewal=160,
        products={"Suite": "good"},
        users=team(6, 12, 12),
        tickets=[
            t(
                13,
                "Oh great, another 'improvement' that hides the one button my whole team uses. Outstanding.",
                resolved=9,
            ),
            t(7, "Wow, only four days for an answer this time. I'm touched.", resolved=3),
            t(2, "So the export now exports empty files. Bravo. What's next, invoices with no amount on them?"),
        ],
        names=("tone.",),
    ),
    case(
        "Three weeks without an answer, in German",
        A,
        R,
        customer="Hotel Seeblick",
        industry="Hospitality",
        size=45,
        arr=7200,
        renewal=210,
        products={"Desk": "fair"},
        users=team(5, 8, 8),
        tickets=[
            t(
                21,
                [
                    (21, "Guten Tag, die Schnittstelle zur Kasse überträgt keine Belege mehr. Bitte um Rückmeldung."),
                    (14, "Gibt es hier schon etwas Neues?"),
                    (
                        1,
                        "Sehr geehrte Damen und Herren, wir warten nun seit drei Wochen auf eine Antwort. So geht "
                        "man mit "
                        "Kunden nicht um!\nMfG, B. Aigner",
                    ),
                ],
                waiting=21,
            )
        ],
        names=("support.overdue", "tone."),
    ),
    case(
        "Sent from desk to desk, in Dutch",
        A,
        R,
        customer="Van Dalen Installatietechniek",
        industry="Construction",
        size=80,
        arr=13500,
        renewal=140,
        products={"Core": "good"},
        users=team(7, 10, 10),
        tickets=[
            t(
                18,
                [
                    (18, "Hoi, de planning synchroniseert niet meer met Outlook."),
                    (12, "Het werkte één dag en nu weer niet."),
                    (
                        5,
                        "We zijn nu al drie keer doorverwezen en het probleem is nog steeds niet opgelost. Dit moet "
                        "echt "
                        "beter, mijn monteurs staan 's ochtends voor een dichte deur.",
                    ),
                ],
                reopened=2,
            )
        ],
        names=("tone.",),
    ),
    case(
        "Ratings fell from fives to ones",
        A,
        R,
        customer="Oakline Dental",
        industry="Healthcare",
        size=90,
        arr=21000,
        renewal=170,
        products={"Desk": "good"},
        users=team(8, 9, 9),
        tickets=[
            *quick(4, 150, 70, rating=5),
            t(24, "Recall letters go out twice", resolved=18, rating=2, remark="had to chase twice"),
            t(15, "recall letters AGAIN out twice", resolved=9, rating=1, remark="Not fixed, just closed."),
            t(7, "third time with the letters", resolved=2, rating=1, remark="closed without a fix again"),
        ],
        names=("support.rating",),
    ),
    case(
        "Same help takes much longer than before",
        A,
        N,
        customer="Tallow Street Brewing",
        industry="Food",
        size=55,
        arr=11800,
        renewal=220,
        products={"Shop": "good"},
        users=team(5, 9, 9),
        tickets=[
            *quick(8, 170, 60, hours=10, said="Can you check the keg return count please"),
            *quick(5, 28, 7, hours=140, said="Can you check the keg return count please"),
        ],
        names=("support.resolution",),
    ),
    case(
        "Will not pay a wrong invoice",
        A,
        R,
        customer="Brightwater Clinics",
        industry="Healthcare",
        size=320,
        arr=54000,
        renewal=200,
        products={"Core": "good"},
        users=team(14, 9, 9),
        tickets=[
            t(60, "Invoice 2231 bills 40 seats, we have 32", resolved=52),
            t(
                13,
                [
                    (13, "Invoice 2307 again has 40 seats on it. We agreed 32 last time, see thread."),
                    (
                        6,
                        "I've had no corrected invoice. Finance will not pay until this is right, and I am not going "
                        "to "
                        "explain this to them a third time.",
                    ),
                ],
                title="Invoice 2307 wrong AGAIN",
                waiting=13,
            ),
        ],
        names=("support.overdue",),
    ),
]
