"""Held-out set three: customers at risk and customers that need attention."""

from __future__ import annotations

from benchmarks.assessment.heldout import case
from benchmarks.assessment.scenarios import A, N, R, quick, t, team, u

SCENARIOS = [
    # At risk, and they say so.
    case(
        "A courteous notice while everybody still works in it, in German",
        R,
        customer="Möbelhaus Brandt",
        industry="Retail",
        size=320,
        arr=38000,
        renewal=85,
        products={"Core": "good"},
        users=team(11, 12, 13),
        tickets=[
            t(33, "Wie kann ich den Monatsbericht als PDF speichern? Danke!", resolved=32.8, rating=5),
            t(
                4,
                "Guten Tag Frau Seidel,\n\nhiermit kündigen wir unseren Vertrag fristgerecht zum Ende der Laufzeit. "
                "Bitte bestätigen Sie uns den Eingang und das Datum schriftlich.\n\nWir danken für die angenehme "
                "Zusammenarbeit in den letzten drei Jahren.\n\nMit freundlichen Grüßen\ni. A. Henrike Voss\n"
                "Möbelhaus Brandt GmbH & Co. KG",
                title="Vertrag",
                waiting=4,
            ),
        ],
        names=("churn.",),
    ),
    case(
        "Asks for the full export because the new system goes live",
        R,
        customer="Calder & Finch Lettings",
        industry="Real estate",
        size=70,
        arr=17500,
        renewal=110,
        products={"Desk": ("poor", "fair", 9)},
        users=team(9, 3, 9),
        tickets=[
            t(
                6,
                [
                    (
                        6,
                        "Hiya, can you send us a full export of everything (tenancies, documents, notes) pls, "
                        "csv is fine",
                    ),
                    (
                        3,
                        "Its for the migration, we're moving to Lettify and go live there on the 1st. Once weve "
                        "checked the data you can delete our account. thanks, Gemma\n\nSent from my iPhone",
                    ),
                ],
                title="export",
                replied=5,
                waiting=3,
            ),
        ],
        names=("churn.",),
    ),
    case(
        "The site closes, nobody is cross, in French",
        R,
        customer="Textiles Verlinghem",
        industry="Manufacturing",
        size=140,
        arr=22000,
        renewal=130,
        products={"Core": "fair"},
        users=team(6, 6, 8),
        tickets=[
            t(
                9,
                "<p>Bonjour Claire,</p><p>Le groupe a annoncé hier la fermeture de notre usine fin mars. Nous "
                "n'aurons donc plus besoin de vos licences et nous ne renouvellerons pas le contrat. Pouvez-vous "
                "m'indiquer la marche à suivre pour résilier&nbsp;?</p><p>Merci pour tout, ce n'est vraiment pas de "
                "votre faute.</p><p>--<br>Sophie Delattre<br>Responsable planification</p>",
                title="Fermeture du site",
                resolved=8.5,
            )
        ],
        names=("churn.",),
    ),
    case(
        "A deadline and a clause, over tickets that nobody answered",
        R,
        customer="Northgate Freight",
        industry="Logistics",
        size=880,
        arr=96000,
        renewal=64,
        products={"Routes": "fair"},
        users=team(16, 9, 12),
        tickets=[
            t(24, "Manifests print without the customs code since your update.", waiting=24),
            t(19, "Drivers logged out every 10 minutes. Third depot reporting it now.", waiting=19),
            t(
                15,
                [
                    (15, "Any news on the customs code? We are typing them in by hand."),
                    (
                        2,
                        "This has gone on for more than three weeks. If it is not fixed by Friday we will terminate "
                        "under clause 11.2 and my director has already asked two of your competitors for quotes.\n\n"
                        "R. Okafor\nHead of Operations",
                    ),
                ],
                waiting=15,
            ),
        ],
        names=("churn.", "support.overdue"),
    ),
    # At risk, and only the numbers say so.
    case(
        "A busy team stopped overnight, renewal in three weeks",
        R,
        customer="Pinnacle Outdoor Media",
        industry="Advertising",
        size=95,
        arr=34000,
        renewal=23,
        products={"Core": ("poor", "good", 14)},
        users=team(12, 0, 14),
        tickets=[t(75, "Where do I change the logo on the proposals?", resolved=74.8, rating=4)],
        names=("usage.", "commercial.renewal"),
    ),
    case(
        "The sponsor has gone and most of the use with her",
        R,
        A,
        customer="Brightwater Credit Union",
        industry="Financial services",
        size=410,
        arr=58000,
        renewal=48,
        products={"Core": ("poor", "good", 11)},
        users=[
            u("Marianne Cole", 0, 17, stakeholder=True, left=25, login=28),
            *team(9, 2, 12),
            *team(5, 0, 9, "Branch"),
        ],
        tickets=[t(40, "Please add two branches to the Thursday report. M.", resolved=39.5)],
        names=("usage.", "people.left"),
    ),
    case(
        "Six polite tickets unanswered for weeks, use halved, renewal next month",
        R,
        A,
        customer="Harrow Dental Supplies",
        industry="Wholesale",
        size=150,
        arr=27000,
        renewal=31,
        products={"Shop": ("fair", "good", 16)},
        users=team(10, 5, 11),
        tickets=[
            t(34, "Stock levels show yesterday's figures.", waiting=34),
            t(30, "Could you restore the order template that was removed?", waiting=30),
            t(
                27,
                [(27, "Invoices go to the old address."), (13, "Just checking whether you saw this one?")],
                waiting=27,
            ),
            t(22, "Labels print twice on the Zebra printer.", waiting=22),
            t(17, "Barcode search returns nothing for items starting with 0.", waiting=17),
            t(12, "Is there someone else I should write to? Regards, Alan", waiting=12),
        ],
        names=("support.overdue",),
    ),
    case(
        "Forty seats paid for, hardly ever opened, first renewal is due",
        R,
        A,
        customer="Montrose Engineering Group",
        industry="Engineering",
        size=1300,
        arr=84000,
        renewal=38,
        custom={"Seats": 40, "Phase": "Live"},
        products={"Core": "poor", "Plan": "poor"},
        users=[u("Gordon Leith", 0, 2, stakeholder=True, login=44), u("Isla Baird", 0, 1, login=51), *team(38, 0, 0)],
        names=("usage.",),
    ),
    # Needs attention.
    case(
        "The third wrong invoice in a row, in Dutch",
        A,
        customer="Bakkerij Van der Laan",
        industry="Food",
        size=110,
        arr=14500,
        renewal=210,
        products={"Shop": "good"},
        users=team(8, 11, 11),
        tickets=[
            t(62, "Op de factuur staan 12 gebruikers, wij hebben er 8. Graag aanpassen.", resolved=60),
            t(31, "Weer 12 gebruikers op de factuur?? Graag een creditnota.", resolved=27, rating=2),
            t(
                3,
                "Dit is nu al de derde keer dat de factuur niet klopt. Ik vind het echt heel slordig en ik ben er "
                "helemaal klaar mee om hier elke maand achteraan te moeten bellen. Graag een keer structureel "
                "oplossen.\n\nGroet,\nMarloes\nAdministratie",
                title="Factuur ALWEER fout",
                waiting=3,
            ),
        ],
        names=("tone.",),
    ),
    case(
        "Use down by almost half without a word",
        A,
        N,
        customer="Sable Architects",
        industry="Architecture",
        size=130,
        arr=24000,
        renewal=190,
        products={"Plan": ("fair", "good", 8)},
        users=team(10, 6, 11),
        names=("usage.",),
    ),
    case(
        "The champion's last day",
        A,
        N,
        customer="Lakeside Hospice",
        industry="Healthcare",
        size=210,
        arr=19000,
        renewal=120,
        products={"Core": "fair"},
        users=[u("Tessa Brandon", 0, 18, stakeholder=True, left=9, login=28), *team(5, 6, 7)],
        tickets=[
            t(
                10,
                "Hi both, tomorrow is my last day here at Lakeside! They haven't found anyone for my role yet, so for "
                "now please send things to office@. It was lovely working with you.\nTess x",
                title="Goodbye :)",
                resolved=9.6,
            )
        ],
        names=("people.left",),
    ),
    case(
        "Three calm questions past their time, everybody at work",
        A,
        customer="Orrin Labs",
        industry="Biotech",
        size=260,
        arr=46000,
        renewal=170,
        products={"Core": "good", "Bench": "good"},
        users=team(14, 12, 12),
        tickets=[
            t(16, "Could you tell us which regions our backups are kept in? Our auditor asks.", waiting=16),
            t(13, "The plate import skips row 96. File attached.", waiting=13),
            t(
                10,
                [
                    (10, "Please enable SAML for orrin-labs.test, metadata attached."),
                    (4, "Hello, a gentle reminder on SAML, we would like to have it before the audit. Best, Yuki"),
                ],
                waiting=10,
            ),
        ],
        names=("support.overdue",),
    ),
    case(
        "The same fault for the fourth time, in Spanish",
        A,
        customer="Clínicas Miraflor",
        industry="Healthcare",
        size=340,
        arr=41000,
        renewal=225,
        products={"Desk": "good"},
        users=team(12, 11, 11),
        tickets=[
            t(
                26,
                [
                    (26, "Hola, los recordatorios por SMS no salen desde ayer. ¿Podéis mirarlo?"),
                    (19, "Sigue igual, esta mañana no ha salido ninguno."),
                    (11, "Otra vez! Dijisteis que estaba arreglado y hoy han fallado 40 citas."),
                    (
                        1,
                        "Buenos días, otra vez no funcionan los recordatorios. Es la cuarta vez este mes y los "
                        "pacientes se quejan en recepción. Estamos bastante cansados de este tema.\n\nUn saludo,\n"
                        "Inés Robledo",
                    ),
                ],
                title="Recordatorios SMS",
                reopened=3,
                replied=10,
                waiting=1,
            ),
        ],
        names=("support.reopened",),
    ),
    case(
        "Finance wants fewer seats",
        A,
        R,
        customer="Tamarind Travel",
        industry="Travel",
        size=190,
        arr=31000,
        renewal=78,
        products={"Core": "good"},
        users=team(13, 10, 11),
        tickets=[
            t(29, "How do I move a booking between agents?", resolved=28.8, rating=5),
            t(
                5,
                "Hi Owen,\nheads up: our new CFO has asked every dept to take 20% out of software spend. We like the "
                "tool but I'll have to drop from 20 seats to 13 and the smaller plan at renewal, unless you can do "
                "something on price. Can we get on a call next week?\nThx, Leila",
                title="Renewal / seats",
                waiting=5,
            ),
        ],
    ),
    case(
        "One of two products has been put aside",
        A,
        N,
        customer="Fenwick Utilities",
        industry="Utilities",
        size=720,
        arr=73000,
        renewal=95,
        products={"Core": "good", "Insight": ("poor", "good", 12)},
        users=[*team(8, 11, 12), *team(7, 0, 9, "Analyst")],
        tickets=[*quick(2, 24, 9, hours=5, said="Can you reset the MFA for a colleague? New phone.")],
        names=("usage.",),
    ),
    case(
        "Pay day is in danger, in Polish",
        A,
        customer="Drukarnia Wisła",
        industry="Printing",
        size=85,
        arr=12500,
        renewal=260,
        products={"Core": "good"},
        users=team(6, 12, 12),
        tickets=[
            t(
                5,
                [
                    (5, "Dzień dobry, import godzin pracy nie działa, wyskakuje błąd 500. Proszę o pilną pomoc."),
                    (3, "Nadal nie działa. Czy ktoś się tym zajmuje?"),
                    (
                        0.4,
                        "Jestem bardzo niezadowolona. Piąty dzień bez odpowiedzi, a jutro musimy wypłacić pensje! "
                        "To niedopuszczalne.\n\nPozdrawiam\nAgnieszka Lis\nKadry i płace",
                    ),
                ],
                title="PILNE: import",
                waiting=5,
            ),
        ],
        names=("tone.",),
    ),
]
