"""Who is in the demo workspace: 40 companies, their people, and the support team. Nothing here is real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from startdeliver.simulator.naming import words

# name, domain, industry, size, plan, monthly spend, mood. Moods decide what the threads are like:
# poor (several overdue, angry), fair (one or two overdue), good, quiet (no conversations at all).
_COMPANIES = (
    ("Alder & Finch", "alderfinch.example", "Architecture", 45, "Business", 890, "good"),
    ("Bramble Foods", "bramblefoods.example", "Food", 320, "Enterprise", 4200, "poor"),
    ("Northgate Logistics", "northgate-logistics.example", "Logistics", 780, "Enterprise", 6100, "good"),
    ("Piper Dental Group", "piperdental.example", "Healthcare", 130, "Business", 1450, "fair"),
    ("Solvik Energi", "solvik.example", "Energy", 540, "Enterprise", 5300, "good"),
    ("Tidewater Insurance", "tidewater-insurance.example", "Insurance", 410, "Enterprise", 4700, "poor"),
    ("Kestrel Robotics", "kestrelrobotics.example", "Manufacturing", 95, "Business", 1600, "good"),
    ("Maple Street Books", "maplestreetbooks.example", "Retail", 22, "Starter", 190, "good"),
    ("Hollis & Grant LLP", "hollisgrant.example", "Legal", 160, "Business", 2100, "fair"),
    ("Ferrovia Rail", "ferrovia.example", "Transport", 1900, "Enterprise", 9800, "good"),
    ("Lumen Academy", "lumenacademy.example", "Education", 75, "Business", 720, "good"),
    ("Copperfield Brewing", "copperfieldbrewing.example", "Food", 60, "Starter", 240, "fair"),
    ("Quayside Property", "quayside.example", "Real estate", 210, "Business", 1900, "good"),
    ("Vantage Clinical", "vantageclinical.example", "Healthcare", 640, "Enterprise", 7200, "poor"),
    ("Otter Creek Outdoors", "ottercreek.example", "Retail", 38, "Starter", 310, "good"),
    ("Brightline Media", "brightlinemedia.example", "Media", 120, "Business", 1300, "good"),
    ("Sundqvist Konsult", "sundqvist.example", "Consulting", 55, "Business", 980, "good"),
    ("Harbor Freightways", "harborfreightways.example", "Logistics", 270, "Enterprise", 3600, "fair"),
    ("Cobalt Analytics", "cobaltanalytics.example", "Software", 85, "Business", 1750, "good"),
    ("Juniper Hotels", "juniperhotels.example", "Hospitality", 450, "Enterprise", 3900, "poor"),
    ("Redwood Credit Union", "redwoodcu.example", "Finance", 300, "Enterprise", 4100, "good"),
    ("Atlas Print Works", "atlasprint.example", "Printing", 48, "Starter", 260, "good"),
    ("Nimbus Travel", "nimbustravel.example", "Travel", 140, "Business", 1200, "fair"),
    ("Granite Peak Mining", "granitepeak.example", "Mining", 860, "Enterprise", 5600, "good"),
    ("Willow & Co", "willowandco.example", "Design", 18, "Starter", 150, "good"),
    ("Meridian Pharma", "meridianpharma.example", "Pharmaceuticals", 1200, "Enterprise", 11200, "poor"),
    ("Foxglove Gardens", "foxglovegardens.example", "Retail", 33, "Starter", 210, "quiet"),
    ("Stellar Fitness", "stellarfitness.example", "Fitness", 150, "Business", 1100, "fair"),
    ("Delta Civil Works", "deltacivil.example", "Construction", 390, "Business", 2600, "good"),
    ("Pembroke Schools Trust", "pembroketrust.example", "Education", 520, "Enterprise", 3100, "good"),
    ("Orchard Lane Vets", "orchardlanevets.example", "Veterinary", 26, "Starter", 180, "good"),
    ("Arctic Seafood", "arcticseafood.example", "Food", 180, "Business", 1500, "fair"),
    ("Beacon Legal Aid", "beaconlegalaid.example", "Nonprofit", 64, "Starter", 120, "good"),
    ("Summit Payroll", "summitpayroll.example", "Finance", 110, "Business", 2300, "poor"),
    ("Larkspur Events", "larkspurevents.example", "Events", 29, "Starter", 220, "quiet"),
    ("Ironbridge Tools", "ironbridgetools.example", "Manufacturing", 230, "Business", 1850, "good"),
    ("Clearwater Utilities", "clearwaterutilities.example", "Utilities", 970, "Enterprise", 6800, "fair"),
    ("Pixel Parade Games", "pixelparade.example", "Games", 70, "Business", 940, "good"),
    ("Hearth & Home Repairs", "hearthhome.example", "Services", 41, "Starter", 230, "good"),
    ("Evergreen Staffing", "evergreenstaffing.example", "Staffing", 260, "Business", 2050, "poor"),
)
_NOT_IN_HUB = frozenset({"cus-008", "cus-022", "cus-031", "cus-038"})
_FIRST = words(
    "Amara Ben Carla Dmitri Elena Farid Grace Hugo Ingrid Jamal Keiko Liam Maya Noah Olga Priya Quentin Rosa Samuel "
    "Tara "
    "Umar Vera Wendy Xavier Yusuf Zoe Anders Bianca Cedric Daphne Emil Fiona Gideon Hanna Isaac Jolene Karim Lotta "
    "Marcus Nadia Oscar Petra Rafael Sofia Tobias Ulrika Viktor Willa Ann-Marie Siobhán Łukasz Chloë"
)
_LAST = words(
    "Abbott Bergström Castillo Donovan Eriksson Fontaine Gallagher Haddad Ivanova Jensen Kowalski Lindqvist Mbeki "
    "Novak "
    "O'Brien Petrov Quinn Romero Schneider Tanaka Ueda Vargas Whitfield Xu Yilmaz Zimmermann Ashworth Boateng Chen "
    "Duarte "
    "Ellison Ferrari Grant Holm Iqbal Jovanović Keller Larsson Moreau Nakamura Okafor Pereira Rossi Santos Thompson "
    "Underwood Vasquez Wallace Yamamoto"
)
_TITLES = (
    "Operations manager",
    "Finance lead",
    "IT administrator",
    "Project manager",
    "Office manager",
    "Head of reporting",
    "Analyst",
    "Team lead",
)
TEAM = (
    ("Maja Lindberg", "maja@support.example", "Support"),
    ("Tom Okonkwo", "tom@support.example", "Support"),
    ("Aisha Rahman", "aisha@support.example", "Technical"),
    ("Daniel Ruiz", "daniel@support.example", "Technical"),
    ("Elin Strand", "elin@support.example", "Billing"),
)


@dataclass(frozen=True)
class DemoCompany:
    """`in_hub`: whether the hub's own demo should have the matching customer (company_id is its external id)."""

    company_id: str
    name: str
    domain: str
    industry: str
    size: int
    plan: str
    monthly_spend: int
    mood: str
    in_hub: bool


@dataclass(frozen=True)
class DemoPerson:
    """`company_id` is None for people without a company. `in_hub`: whether the hub's demo should have the user."""

    name: str
    email: str | None
    external_id: str | None
    role: str
    company_id: str | None
    title: str
    in_hub: bool


def companies() -> list[DemoCompany]:
    return [
        DemoCompany(f"cus-{n:03}", *row[:7], in_hub=f"cus-{n:03}" not in _NOT_IN_HUB)
        for n, row in enumerate(_COMPANIES, 1)
    ]


def _mailbox(name: str) -> str:
    table = str.maketrans("öéáçćñłŁëøå", "oeaccnlleoa", "' ")
    return ".".join(part.translate(table).lower() for part in name.split(" "))


def people() -> list[DemoPerson]:
    """Return about 140 people: two to five a company, then those who fit nowhere neatly."""
    result: list[DemoPerson] = []
    number = 0
    for position, company in enumerate(companies()):
        for seat in range(2 + (position * 7 + company.size) % 4):
            number += 1
            name = f"{_FIRST[(number * 11 + position) % len(_FIRST)]} {_LAST[(number * 17 + seat) % len(_LAST)]}"
            result.append(
                DemoPerson(
                    name,
                    f"{_mailbox(name)}@{company.domain}",
                    f"usr-{number:04}",
                    "user",
                    company.company_id,
                    _TITLES[(number + seat) % len(_TITLES)],
                    # Every eleventh person writes to support but is not known in the hub.
                    company.in_hub and number % 11 != 0,
                )
            )
    return result + _others()


def _others() -> list[DemoPerson]:
    return [
        # Leads: known by e-mail only, or not at all.
        DemoPerson("Greta Holm", "greta.holm@bramblefoods.example", None, "lead", "cus-002", "Buyer", True),
        DemoPerson("Paolo Conti", "paolo@conti-studio.example", None, "lead", None, "Owner", False),
        DemoPerson("Renee Walsh", "renee.walsh.home@mail.example", None, "lead", None, "", False),
        DemoPerson("Visitor from Porto", None, None, "lead", None, "", False),
        DemoPerson("Haruto Abe", "haruto@tsuru-works.example", None, "lead", None, "Founder", False),
        # Two people behind one address, a thing that real workspaces have.
        DemoPerson("Accounts (Sam)", "accounts@quayside.example", "usr-9001", "user", "cus-013", "Accounts", True),
        DemoPerson("Accounts (Kim)", "accounts@quayside.example", "usr-9002", "user", "cus-013", "Accounts", False),
        # External id known, e-mail changed since.
        DemoPerson("Nora Castellan", "nora.castellan@newname.example", "usr-9003", "user", "cus-005", "Analyst", True),
        # A consultant who works for two customers.
        DemoPerson("Idris Vale", "idris@valeconsulting.example", "usr-9004", "user", "cus-007", "Consultant", True),
    ]


def demo_companies() -> list[dict[str, Any]]:
    """Return the companies as plain values: name, company_id, domain, plan, monthly_spend, in_hub and so on."""
    return [
        {
            "name": c.name,
            "company_id": c.company_id,
            "domain": c.domain,
            "industry": c.industry,
            "size": c.size,
            "plan": c.plan,
            "monthly_spend": c.monthly_spend,
            "in_hub": c.in_hub,
        }
        for c in companies()
    ]


def demo_people() -> list[dict[str, Any]]:
    """Return the people as plain values: name, email, external_id, role, company_id, title, in_hub."""
    return [
        {
            "name": p.name,
            "email": p.email,
            "external_id": p.external_id,
            "role": p.role,
            "company_id": p.company_id,
            "title": p.title,
            "in_hub": p.in_hub,
        }
        for p in people()
    ]
