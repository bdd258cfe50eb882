"""Held-out set three: neutral, engaged and thriving customers."""

from __future__ import annotations

from benchmarks.assessment.heldout import case
from benchmarks.assessment.scenarios import A, E, N, T, t, team, u

SCENARIOS = [
    # Neutral.
    case(
        "Closed for the winter, and said so",
        N,
        A,
        customer="Solent Sailing School",
        industry="Leisure",
        size=18,
        arr=4200,
        renewal=230,
        products={"Booking": "poor"},
        users=[u("Rory Blake", 2, 12, stakeholder=True), *team(3, 0, 10, "Instructor")],
        tickets=[
            t(
                30,
                "Season's over, boats are out of the water and the instructors are off till April as every year. "
                "I'll pop in now and then to take next summer's bookings. Have a good winter! Rory",
                resolved=29.8,
            )
        ],
    ),
    case(
        "Three people, once a week, as ever",
        N,
        E,
        customer="Abbot & Daughters Solicitors",
        industry="Legal",
        size=9,
        arr=2600,
        renewal=160,
        products={"Core": "fair"},
        users=team(3, 4, 4),
        names=("usage.",),
    ),
    case(
        "The works council has to agree first, in German",
        N,
        A,
        customer="Feinwerk Oberland",
        industry="Manufacturing",
        size=540,
        arr=36000,
        renewal=310,
        custom={"Phase": "Onboarding"},
        users=[u("Jürgen Maier", 2, 2, stakeholder=True), u("Petra Lang", 1, 1), *team(6, 0, 0)],
        tickets=[
            t(
                12,
                "Hallo Herr Kern, kurzer Stand: der Betriebsrat muss der Einführung noch zustimmen, die Sitzung ist "
                "Mitte Januar. Bis dahin schauen nur Frau Lang und ich rein. Ich melde mich danach wegen der "
                "Schulungstermine.\nMfG J. Maier",
                title="Zwischenstand Einführung",
                resolved=11.5,
            )
        ],
    ),
    case(
        "A name, a date and nothing else",
        N,
        A,
        customer="Quayle Storage",
        industry="Storage",
        size=45,
        arr=7800,
        renewal=205,
    ),
    case(
        "A bad spring, long settled, middling use",
        N,
        E,
        customer="Wexley Housing Trust",
        industry="Housing",
        size=300,
        arr=28000,
        renewal=140,
        products={"Core": "fair"},
        users=team(8, 5, 5),
        tickets=[
            t(
                82,
                "Honestly disappointed, the rent letters went out with last year's amounts and we had to apologise to "
                "200 tenants.",
                resolved=73,
                rating=2,
            ),
            t(35, "Which report has the arrears by street?", resolved=34.7),
            t(14, "Please change our billing contact to Nigel Purdy.", resolved=13.8),
        ],
    ),
    case(
        "A wish turned down and taken well, in Italian",
        N,
        E,
        customer="Cantine Roccabruna",
        industry="Wine",
        size=60,
        arr=9800,
        renewal=180,
        products={"Shop": "fair"},
        users=team(5, 6, 6),
        tickets=[
            t(
                17,
                [
                    (17, "Buongiorno, è possibile avere il listino in due valute nello stesso ordine?"),
                    (15, "Capisco, peccato. Per ora continuiamo con due ordini separati. Grazie comunque, Davide"),
                ],
                title="Due valute",
                resolved=15,
            )
        ],
        names=("usage.",),
    ),
    case(
        "A questionnaire from the data protection officer, in French",
        N,
        E,
        customer="Mutuelle des Trois Rivières",
        industry="Insurance",
        size=480,
        arr=39000,
        renewal=150,
        products={"Core": "fair"},
        users=team(9, 6, 6),
        tickets=[
            t(
                4,
                "<div>Bonjour,</div><div><br></div><div>Dans le cadre de notre revue annuelle des sous-traitants, "
                "merci de compléter le questionnaire RGPD ci-joint avant la fin du mois.</div><div><br></div>"
                "<div>Cordialement,</div><div><b>Le délégué à la protection des données</b></div>",
                title="Revue annuelle des sous-traitants",
                waiting=4,
            )
        ],
    ),
    case(
        "Out-of-office replies and a slow month",
        N,
        E,
        customer="Pellham Surveyors",
        industry="Construction",
        size=75,
        arr=13000,
        renewal=135,
        products={"Plan": "fair"},
        users=team(7, 6, 7),
        tickets=[
            t(
                11,
                "I am out of the office until Monday 7th with no access to email. For anything urgent please call the "
                "main number.",
                title="Automatic reply: Product news",
                resolved=10.9,
            ),
            t(
                6,
                "Thank you for your message. I am on annual leave and will reply on my return.",
                title="Automatic reply: Product news",
                resolved=5.9,
            ),
        ],
    ),
    # Engaged.
    case(
        "Short questions, kindly closed, in Japanese",
        E,
        T,
        customer="東都精機株式会社",
        industry="Manufacturing",
        size=230,
        arr=33000,
        renewal=165,
        products={"Core": "good"},
        users=team(10, 12, 12),
        tickets=[
            t(
                20,
                [
                    (20, "お世話になっております。CSVの文字コードをUTF-8に変更する方法を教えてください。"),
                    (19.7, "設定できました。ご丁寧にありがとうございました。\n東都精機 山田"),
                ],
                resolved=19.6,
                rating=5,
            ),
            t(6, "来月の勉強会の資料を共有いただけますでしょうか。よろしくお願いいたします。", resolved=5.7),
        ],
        names=("usage.",),
    ),
    case(
        "Physiotherapists whose patients cancel",
        E,
        N,
        T,
        customer="MoveWell Physio",
        industry="Healthcare",
        size=55,
        arr=11000,
        renewal=175,
        products={"Booking": "good"},
        users=team(9, 14, 14),
        tickets=[
            t(18, "when a patient cancels within 24h can we stop the reminder going out? ta", resolved=17.8),
            t(7, "How do I cancel a whole day of appointments at once? Ben's off sick", resolved=6.9, rating=5),
        ],
        names=("usage.",),
    ),
    case(
        "Forwards an angry letter from a customer of their own",
        E,
        N,
        customer="Greenbox Meals",
        industry="E-commerce",
        size=120,
        arr=26000,
        renewal=200,
        products={"Shop": "good"},
        users=team(11, 13, 12),
        tickets=[
            t(
                5,
                "<p>Hi team, quick one. We got the below from one of our subscribers, where do I issue a partial "
                "refund in the Shop admin? Thanks! Carla</p><blockquote><p>Your boxes are a disgrace, the fish was "
                "warm AGAIN. I want my money back and I am cancelling my subscription.</p></blockquote>",
                title="Partial refund?",
                resolved=4.8,
                rating=5,
            ),
            t(22, "Can coupons be limited to first orders?", resolved=21.8),
        ],
        names=("usage.",),
    ),
    case(
        "Angry during the outage, content with what followed",
        E,
        N,
        customer="Kestrel Couriers",
        industry="Logistics",
        size=270,
        arr=44000,
        renewal=145,
        products={"Routes": "good"},
        users=team(15, 13, 13),
        tickets=[
            t(
                23,
                [
                    (23, "EVERYTHING IS DOWN. 60 vans in the yard. unacceptable, call me NOW"),
                    (22.8, "ok back up."),
                    (
                        18,
                        "Thanks for the honest write-up and the call, Meera. Fair play, that's how it should be "
                        "handled. We're good.\nDougie",
                    ),
                ],
                title="DOWN",
                resolved=18,
                rating=4,
            ),
            t(6, "Can we show the ETA in the driver app too?", resolved=5.6),
        ],
        names=("usage.",),
    ),
    case(
        "Wants to build on the interface, in Portuguese",
        E,
        T,
        customer="Transportes Ribeira",
        industry="Logistics",
        size=160,
        arr=21000,
        renewal=220,
        products={"Routes": "good"},
        users=team(9, 12, 11),
        tickets=[
            t(
                8,
                "Boa tarde, o nosso informático quer ligar as rotas ao ERP. Podem enviar a documentação da API e um "
                "ambiente de testes? Obrigado\n\nCumprimentos,\nNuno Teixeira",
                title="API",
                resolved=7.5,
                rating=5,
            ),
            t(2, "Já está a funcionar em testes. Como aumento o limite de pedidos por minuto?", waiting=2),
        ],
        names=("usage.",),
    ),
    case(
        "A contact left, her successor is at home already",
        E,
        N,
        customer="Dunmore Library Service",
        industry="Public sector",
        size=190,
        arr=16500,
        renewal=155,
        products={"Core": "good"},
        users=[
            u("Frances Hale", 0, 10, left=27, login=28),
            u("Samir Joshi", 16, 4, stakeholder=True),
            *team(9, 12, 11),
        ],
        tickets=[
            t(
                31,
                "Hello, Frances retires on Friday and I'm taking over from her. She's shown me the ropes, and I've "
                "booked your admin course. Looking forward to it, Samir",
                resolved=30.7,
            ),
            t(10, "The admin course was really useful, thank you.", resolved=9.8, rating=5),
        ],
        names=("usage.",),
    ),
    case(
        "Silent and busy, renews by itself next month",
        E,
        N,
        customer="Osprey Payroll Bureau",
        industry="Business services",
        size=40,
        arr=15000,
        renewal=27,
        custom={"Auto-renewal": "yes"},
        products={"Core": "good", "Reports": "good"},
        users=team(8, 17, 17),
        names=("usage.",),
    ),
    case(
        "A power user with a list of wishes",
        E,
        T,
        N,
        customer="Bellweather Analytics",
        industry="Consulting",
        size=50,
        arr=18500,
        renewal=240,
        products={"Core": "good"},
        users=[u("Anton Reyes", 24, 23, stakeholder=True), *team(6, 12, 11)],
        tickets=[
            t(
                15,
                "me again :) wishlist for this month: 1) dark mode for dashboards 2) cmd+k search 3) let me pin "
                "filters. would save me 10 clicks a day",
                resolved=14.6,
            ),
            t(9, "Would it be possible to schedule exports at 6am instead of midnight?", resolved=8.8, rating=5),
            t(1, "Number 3 shipped already?! nice one. Anton", resolved=0.8, rating=5),
        ],
        names=("usage.",),
    ),
    # Thriving.
    case(
        "The next department comes in on its own, in Swedish",
        T,
        E,
        customer="Älvdalens Kommun",
        industry="Public sector",
        size=1100,
        arr=52000,
        renewal=280,
        products={"Core": "good", "Desk": "good"},
        users=[*team(14, 14, 9), *team(10, 11, 0, "Skola")],
        tickets=[
            t(
                19,
                "Hej! Skolförvaltningen har sett vad vi gjort och vill också komma igång, vi har lagt upp tio "
                "kollegor. Det här är det bästa systemet vi har haft. Tack för all hjälp!\n/Malin",
                resolved=18.8,
                rating=5,
            ),
            t(4, "Toppen, det fungerar jättebra. Stort tack!", resolved=3.9, rating=5),
        ],
        names=("usage.",),
    ),
    case(
        "Offers to tell their story on stage",
        T,
        E,
        customer="Ridgeway Schools Trust",
        industry="Education",
        size=1600,
        arr=88000,
        renewal=190,
        custom={"NPS": 10},
        products={"Class": "good", "Reports": "good"},
        users=[u("Denise Achebe", 20, 15, stakeholder=True), *team(28, 15, 12)],
        tickets=[
            t(
                12,
                "Hi Paul, we've saved every head teacher about four hours a week, they love it. I'd be very happy to "
                "do a case study, and to speak at your user day in May if you'd have me!\n\nDenise\n-- \n"
                "Denise Achebe | Director of Operations | Ridgeway Schools Trust",
                title="Case study",
                resolved=11.6,
                rating=5,
            ),
            t(3, "Brilliant support as always", resolved=2.9, rating=5),
        ],
        names=("usage.",),
    ),
    case(
        "Orders sixty more seats",
        T,
        E,
        customer="Halden Robotics",
        industry="Technology",
        size=640,
        arr=69000,
        renewal=125,
        products={"Core": "good", "Plan": "good"},
        users=[*team(20, 15, 11), *team(8, 10, 0, "New")],
        tickets=[
            t(
                9,
                "Hey Nina! Field service wants in. Please send a quote for 60 more seats, starting 1 Feb, and we'd "
                "like the Insight add-on as well. Everyone's really pleased with how the pilot went.\nCheers\nTom",
                title="More seats",
                resolved=8.7,
                rating=5,
            )
        ],
        names=("usage.",),
    ),
    case(
        "Sends the sister company along",
        T,
        E,
        customer="Copper Kettle Hotels",
        industry="Hospitality",
        size=420,
        arr=47000,
        renewal=260,
        products={"Booking": "good"},
        users=[*team(13, 18, 13), *team(5, 12, 0, "Spa")],
        tickets=[
            t(25, "The new check-in screen is fab, reception are over the moon", resolved=24.9, rating=5),
            t(
                7,
                "I've recommended you to our sister company in Bath, their GM (Hugo) will be in touch. And the spa is "
                "live since Monday, went without a hitch. Thanks a million! Steph",
                resolved=6.8,
                rating=5,
            ),
        ],
        names=("usage.",),
    ),
]
