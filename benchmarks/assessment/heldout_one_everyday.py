"""Held-out set one: use against words, routine and noise."""

from __future__ import annotations

from benchmarks.assessment.heldout import case
from benchmarks.assessment.scenarios import A, E, N, R, T, t, team, u

SCENARIOS = [
    # Usage against words, or without any.
    case(
        "Renewal in twenty days and use falling away",
        R,
        A,
        customer="Kestrel Analytics",
        industry="Software",
        size=120,
        arr=64000,
        renewal=20,
        products={"Core": ("poor", "good", 16)},
        users=[*team(4, 4, 15), *team(6, 0, 12, "Former")],
        names=("usage.", "commercial.renewal"),
    ),
    case(
        "New team, use rising",
        T,
        E,
        customer="Delvaux Chemie",
        industry="Chemicals",
        size=1500,
        arr=88000,
        renewal=240,
        products={"Core": "good", "Suite": ("good", "fair", 20)},
        users=[*team(14, 14, 11), *team(11, 9, 0, "Antwerp")],
        tickets=[
            t(
                25,
                "Hi! the Antwerp lab starts Monday, can you add 15 seats? Same cost centre.",
                resolved=24.8,
                rating=5,
            ),
            t(9, "Antwerp are up and running, they found the import much easier than feared. Thx!", resolved=8.9),
        ],
        names=("usage.",),
    ),
    case(
        "Moves over from another tool",
        T,
        E,
        customer="Fjordline Travel",
        industry="Travel",
        size=260,
        arr=39000,
        renewal=280,
        products={"Desk": "good"},
        users=[*team(8, 14, 8), *team(6, 8, 0, "Second floor")],
        tickets=[
            t(
                10,
                "We've decided to cancel our old helpdesk contract at the end of the month and move everybody over "
                "to you. "
                "What's the best way to import 3 yrs of history?",
                resolved=9.5,
                rating=5,
            )
        ],
        names=("usage.",),
    ),
    case(
        "Champion left",
        A,
        R,
        customer="Northgate Housing",
        industry="Real estate",
        size=230,
        arr=58000,
        renewal=110,
        products={"Core": "good"},
        users=[u("Denise Carr", 2, 18, stakeholder=True, left=12), *team(8, 8, 9)],
        tickets=[
            t(
                14,
                "Hi all, Friday is my last day at Northgate. It was a pleasure! Raj will be your contact for now until "
                "they find somebody. Denise",
                resolved=13,
            )
        ],
        names=("people.left",),
    ),
    case(
        "Champion gone quiet",
        A,
        N,
        customer="Lumen Retail Lab",
        industry="Retail",
        size=150,
        arr=33000,
        renewal=150,
        products={"Shop": "good"},
        users=[u("Oscar Pell", 0, 17, stakeholder=True, login=27), *team(7, 9, 9)],
        names=("people.quiet",),
    ),
    case(
        "Campsite closed for the season",
        N,
        E,
        customer="Camping Les Pins",
        industry="Hospitality",
        size=12,
        arr=4800,
        renewal=180,
        custom={"Season": "Four months a year"},
        users=team(4, 0, 10, "Reception"),
        tickets=[
            t(80, "Check-in kiosk needs a new paper size, where?", resolved=79.7, rating=5),
            t(
                31,
                "That was it for this season, we are closed now and will be back when we reopen in spring, as every "
                "year. "
                "Thanks for everything, see you then! Elodie",
                resolved=30.5,
            ),
        ],
    ),
    case(
        "One-person shop, a little every week",
        N,
        E,
        customer="Tess Makes Candles",
        industry="Crafts",
        size=1,
        arr=348,
        renewal=100,
        products={"Shop": "fair"},
        users=[u("Tess", 5, 5)],
        tickets=[t(75, "how do i put my logo on the packing slip? x", resolved=74.5)],
    ),
    case(
        "Onboarding stuck",
        A,
        R,
        customer="Ridgeway Schools Trust",
        industry="Education",
        size=700,
        arr=46000,
        renewal=330,
        custom={"Phase": "Onboarding"},
        users=[u("Ian Prentice", 3, 1, stakeholder=True), *team(9, 0, 0, "Teacher")],
        tickets=[
            t(26, "Where do we put the metadata for SSO?", resolved=25),
            t(
                17,
                [
                    (
                        17,
                        "SSO still fails for all staff, error AADSTS50105. We can't invite anybody before this works.",
                    ),
                    (9, "Any update? Training day was meant to be last Thursday, I had to move it."),
                ],
                title="SSO setup",
                waiting=9,
            ),
        ],
        names=("support.overdue",),
    ),
    # Routine and noise.
    case(
        "Feature requests only",
        E,
        customer="Arbor Consulting",
        industry="Consulting",
        size=75,
        arr=18500,
        renewal=190,
        products={"Suite": "good"},
        users=team(9, 12, 12),
        tickets=[
            t(44, "Would be nice to have dark mode on the timesheet :)", resolved=43),
            t(27, "Feature request: group projects by client in the overview. Any plans?", resolved=26),
            t(12, "Another idea from the team - keyboard shortcut for 'copy last week'", resolved=11.5),
            t(3, "could the API return the project colour as well? not urgent"),
        ],
        names=("usage.",),
    ),
    case(
        "Yearly security questionnaire",
        E,
        N,
        customer="Banque Verrier",
        industry="Banking",
        size=3100,
        arr=150000,
        renewal=230,
        products={"Core": "good"},
        users=team(20, 9, 9),
        tickets=[
            t(
                10,
                [
                    (
                        10,
                        "<p>Dear vendor,</p><p>as part of our <b>annual third-party risk review</b> please complete "
                        "the "
                        "attached questionnaire (214 questions) and provide your current SOC 2 report and "
                        "penetration test "
                        "summary.</p><p>Vendor Risk Management</p>",
                    ),
                    (5, "Received with thanks, two follow-up questions on sub-processors in tab 4."),
                ],
                title="Annual vendor risk review",
                resolved=3,
            )
        ],
        names=("usage.",),
    ),
    case(
        "Words of ending that are about small things",
        E,
        customer="Quarry Lane Physio",
        industry="Healthcare",
        size=18,
        arr=3900,
        renewal=140,
        products={"Desk": "good"},
        users=team(5, 11, 11),
        tickets=[
            t(16, "Can I cancel tomorrow's training call? Child is ill. Any day next week is fine.", resolved=15.9),
            t(
                9,
                "One of our receptionists is leaving us, how do I delete her account but keep the notes?",
                resolved=8.8,
            ),
            t(2, "pls cancel the duplicate booking export I started by accident, thx", resolved=1.9),
        ],
        names=("usage.",),
    ),
    case(
        "An expired card, sorted in an hour",
        E,
        customer="Wren Accounting",
        industry="Finance",
        size=11,
        arr=2600,
        renewal=60,
        products={"Pay": "good"},
        users=team(4, 14, 13),
        tickets=[
            t(
                8,
                "Got a mail that payment failed?? card expired, i put in the new one. ok now?",
                resolved=7.95,
                rating=4,
            )
        ],
        names=("usage.",),
    ),
    case(
        "Thanks above an old angry mail",
        E,
        T,
        customer="Corvid Studios",
        industry="Games",
        size=65,
        arr=17000,
        renewal=175,
        products={"Suite": "good"},
        users=team(8, 13, 13),
        tickets=[
            t(
                5,
                "<div>Works like a charm now, thank you Priya!</div><div>--<br>Jonas Weil<br>Producer, Corvid</div>"
                "<blockquote>On Monday Jonas wrote:<br>This is a disaster, builds have been failing all night and we "
                "miss "
                "our milestone because of you.</blockquote>",
                title="Re: builds failing",
                resolved=4.5,
                rating=5,
            )
        ],
        names=("usage.",),
    ),
    case(
        "Only out-of-office replies",
        N,
        customer="Pemberton Trustees",
        industry="Finance",
        size=40,
        arr=8400,
        renewal=250,
        tickets=[
            t(
                33,
                "I am out of the office until Monday with limited access to e-mail. In urgent cases contact "
                "reception@pemberton.example.",
                title="Automatic reply: Your monthly summary",
                resolved=33,
            ),
            t(
                12,
                "Thank you for your message. I'm on annual leave and will reply on my return.",
                title="Automatic reply: What's new",
                resolved=12,
            ),
            t(3, "Ich bin derzeit nicht im Büro. Ihre Nachricht wird nicht weitergeleitet.", title="Abwesenheitsnotiz"),
        ],
    ),
    case(
        "Only spam in the inbox",
        N,
        customer="Galloway Tiles",
        industry="Retail",
        size=20,
        arr=2200,
        renewal=260,
        tickets=[
            t(
                20,
                "Dear Sir/Madam, get to #1 on Google in 30 days!!! 100% guaranteed backlinks, reply YES",
                resolved=20,
            ),
            t(6, "Your mailbox is full. Verify your account now or it will be terminated: http://mail-verify.example"),
        ],
    ),
    case(
        "Test tickets left open",
        E,
        N,
        customer="Hexagon Print",
        industry="Printing",
        size=28,
        arr=5100,
        renewal=200,
        products={"Desk": "good"},
        users=team(5, 12, 12),
        tickets=[
            t(19, "test"),
            t(19, "test 2 pls ignore", title="test 2"),
            t(18, "asdf", title="Testing the messenger, ignore", resolved=18),
        ],
    ),
    case(
        "Praise, and one old ticket still open",
        E,
        T,
        customer="Sundial Solar",
        industry="Energy",
        size=110,
        arr=27000,
        renewal=150,
        products={"Routes": "good"},
        users=team(12, 13, 11),
        tickets=[
            t(38, "Small thing: our logo looks squashed on the pdf. No hurry at all.", title="Logo on PDF", replied=37),
            t(15, "You guys are brilliant, the crew plan took 5 min instead of an hour!", resolved=14.9, rating=5),
            t(4, "Perfect, thank you!! best support we have with any vendor", resolved=3.9, rating=5),
        ],
        names=("usage.", "support.overdue"),
    ),
    case(
        "Happy and short, in French",
        E,
        T,
        customer="Maison Duret",
        industry="Food",
        size=50,
        arr=9900,
        renewal=170,
        products={"Shop": "good"},
        users=team(6, 12, 11),
        tickets=[
            t(
                22,
                "Bonjour, comment modifier l'adresse de livraison par défaut ? Merci d'avance",
                resolved=21.8,
                rating=5,
            ),
            t(6, "Génial, ça marche parfaitement. Merci pour votre réactivité !", resolved=5.9, rating=5),
        ],
        names=("usage.",),
    ),
]
