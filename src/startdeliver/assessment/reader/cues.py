"""Words that stand beside a message's embedding: what it speaks of, in ten languages. They decide nothing alone.

Each is one column of the reader's input, 1 when any of its words occurs. The weights are learned (`train.py`), so
after a change here the reader has to be trained again.
"""

from __future__ import annotations

import re
from functools import lru_cache

# English, German, French, Spanish, Portuguese, Italian, Dutch, Swedish, Danish, Norwegian, side by side.
_WORDS: dict[str, str] = {
    "leave": (
        r"解約|契約を終了|退会|更新しない|更新は見送|乗り換え|取消订阅|不再?续|해지|갱신하지|إلغاء|لن نجدد|"
        r"расторг\w+|отмен\w+|не будем продл\w+|zrezygn\w+|wypowi\w+|nie przedłuż\w+|\biptal|yenilemeyece\w+|"
        r"\b(?:cancel(?:l?ing|lation|led)?|terminat\w+|churn\w*|discontinu\w+|wind(?:ing)? down|sunset\w*|"
        r"offboard\w*|goodbye|farewell|(?:not|never|n't) (?:\w+ ){0,3}(?:renew\w*|extend\w*|prolong\w*|continu\w+|"
        r"sign again|go on)|non-?renewal|lapse|run out|expire|walk away|jump ship|pull the plug|wave goodbye|"
        r"(?:end|ending|close|closing|shut|exit\w*|get out of|leave|leaving|quit|drop|ditch|replac\w+|retir\w+|"
        r"phas\w+ out|mov\w+ (?:away|off|on from)|switch\w*|transition\w*|migrat\w+|stop\w* using|get rid of|"
        r"part ways|give notice|serve notice|notice of|cut ties|bring\w* \w+ in-house|look\w* (?:elsewhere|out there|"
        r"around))|kündig\w*|beenden|wechsel\w*|ablös\w*|nicht verläng\w*|résili\w*|ne (?:pas )?renouvel\w*|"
        r"quitter\w*|partir|partons|cancelar\w*|rescind\w*|dar(?:nos)? de baja|dejar\w*|no (?:vamos a )?(?:renov|"
        r"contin|segu)\w*|disdi\w+|reced\w+|non (?:rinnov|continu|prosegu|intend)\w*|lascer\w*|opzeg\w*|"
        r"zeg\w* .{0,20}\bop\b|overstap\w*|stap\w* .{0,20}\bover\b|niet (?:verleng|door|verder)\w*|säg\w* upp|"
        r"uppsäg\w*|byt\w* leverantör|slutar?\b|opsig\w*|siger? op|opsäg\w*|skift\w* leverandør|sier? opp|si opp|"
        r"oppsig\w*|bytt\w* leverandør|não (?:renov|contin|vamos contin|quer)\w*|deixar\w*|abandon\w*)\b"
    ),
    "rival": (
        r"他社|其他供应商|另一家|다른 (?:업체|솔루션)|друг\w+ (?:поставщик\w*|решени\w*)|konkurencj\w+|"
        r"inn\w+ rozwiązan\w+|başka bir|"
        r"\b(?:competitor\w*|competing|rivals?|alternativ\w+|(?:another|other|different|new|two|three|"
        r"several) (?:\w+ )?(?:vendors?|providers?|tools?|suppliers?|solutions?|platforms?|systems?|products?|"
        r"compan(?:y|ies)|options)|elsewhere|out there|shortlist\w*|RFP|RFI|tender|bidding|proof of concept|"
        r"quotes? from|"
        r"on the market|instead|Konkurren\w*|Mitbewerb\w*|Wettbewerb\w*|(?:anderen?|anderes) (?:Anbieter|Lösung\w*"
        r"|Produkte?|System|Werkzeug)|Ausschreibung|concurren\w*|autre (?:prestataire|logiciel|fournisseur|"
        r"solution|outil)|d'autres solutions|appel d'offres|competencia|otr[oa]s? (?:proveedor|plataforma|"
        r"herramienta|sistema|empresa)\w*|licitación|fornecedor\w*|concorr\w*|outr[oa]s? (?:ferramenta|sistema|"
        r"solução)|concurso|gara|altr[oi] (?:strumento|fornitor\w*|sistema)|ander\w* (?:leverancier|oplossing|"
        r"systeem|partij|product)\w*|aanbesteding|konkurrent\w*|upphandling|annan (?:lösning|leverantör)|"
        r"andet system|anden (?:løsning|leverandør)|udbud|annen (?:løsning|leverandør)|anbud\w*|annat system|"
        r"annet system)\b"
    ),
    "contract": (
        r"\b(?:contract\w*|agreement\w*|subscription\w*|licen[cs]es?|renew\w*|term|plan|auto-?renew\w*|"
        r"notice period|notice|Vertrag\w*|Abo\w*|Lizenz\w*|Verlängerung\w*|contrat\w*|abonnement\w*|renouvellement"
        r"|reconduction|préavis|contrato\w*|suscripción|renovación|assinatura|renovação|contratto|rinnovo|"
        r"abbonamento|verlenging|licenties|avtal\w*|prenumeration|abonnemang\w*|förnyels\w*|aftale\w*|fornyels\w*|"
        r"kontrakt\w*)\b"
    ),
    "money": (
        r"\b(?:budget cuts?|budget review|next year's budget|in the budget|price (?:increase|hike|rise)|too expensive|"
        r"expensive|cheaper|afford|CFO|finance|procurement|purchasing|savings?|justify|software spend|spending|"
        r"return on|teuer\w*|Kostengründen|Sparmaßnahmen|raisons budgétaires|presupuesto|cortes no orçamento|"
        r"tagli al bilancio|bezuinig\w*|besparing\w*|innsparing\w*|besparelse\w*)\b"
    ),
    "down": (
        r"\b(?:downgrad\w+|(?:free|basic|cheap\w*|small\w*|lower) (?:plan|tier|version|package)|fewer|reduc\w+|"
        r"cut (?:down|back|the)|half|unused|hardly|barely|rarely|no longer|not? (?:any ?more|need\w*)|don't need|"
        r"won't need|pause|on hold|postpon\w+|reduzier\w+|weniger|réduire|reducir|reduzir|minder|färre|färr)\b"
    ),
    "daily": (
        r"\b(?:(?:cancel\w*|call(?:ed)? off|stornier\w*|absag\w*|annul\w*|avbok\w*|aflys\w*|avlys\w*|"
        r"cancel\w*)\b[^.!?]{0,40}\b(?:call|meeting|appointment|demo|training|order|session|invitation|booking|"
        r"webinar|export|import|job|event|reservation|visit|shipment|reminder|ticket|registration|button|Termin|"
        r"Bestellung|Gespräch|rendez-vous|commande|reunión|pedido|reunião|encomenda|riunione|ordine|afspraak|"
        r"bestelling|mötet|beställning|mødet|ordre|møtet|bestilling\w*)s?)\b|\bcancel button\b|\btrial\b|\bbeta\b|"
        r"\bsandbox\b|\btest (?:account|workspace)\b"
    ),
    # They leave somebody else and come here.
    "hither": (
        r"\b(?:(?:over|move[sd]?|moving|switch\w*|migrat\w+|com(?:e|ing)|chang\w+) (?:\w+ ){0,4}to (?:you|yours)\b|"
        r"(?:start|starting|everything|now run\w*|works?) (?:with|on) (?:you|yours)\b|"
        r"(?:our|the|my) (?:old|former|previous|current|existing|legacy) (?:\w+ ){0,2}(?:contract|tool|vendor|provider|"
        r"supplier|system|software|solution|help ?desk|platform|agreement|subscription)|"
        r"(?:alten|bisherigen) (?:Anbieter|System|Vertrag)|ancien (?:logiciel|fournisseur|contrat|outil)|"
        r"herramienta anterior|antiguo proveedor|oude (?:systeem|leverancier|contract))"
    ),
    "third": (
        r"\b(?:(?:our|a|an|one of our|these|their|my) (?:\w+ )?(?:customers?|clients?|subscribers?|members?|"
        r"tenants?|patients?|users?|guests?|students?|employees?|colleagues?|prospects?|deals?|opportunit(?:y|ies)"
        r"|leads?)|(?:of|to|from|by|for) (?:ours|our (?:own )?(?:customers?|clients?|subscribers?))|employee|"
        r"report|chart|field|column|button|template|dashboard|menu|dropdown|Kund\w+ von uns|unser\w* Kund\w+|"
        r"nos clients|un client|nuestros? clientes?|cliente nuestro|nossos? clientes?|nostri clienti|klant van ons"
        r"|onze klanten|våra kunder|vores kunder|kundene våre)\b"
    ),
    "not": (
        r"\b(?:not (?:going anywhere|leaving|planning to leave|looking|thinking of leaving|cancel\w*|"
        r"about leaving)|(?:no|without) (?:intention|plans?|thought|reason)s?\b.{0,12}(?:leav\w+|going|switch\w*|"
        r"chang\w+|mov\w+|look\w*|cancel\w*)|(?:are|we'?re|am|will be|decided to|happy to|going to|will|"
        r"gladly) stay(?:ing)?|stay(?:ing)? with you|withdr\w+|disregard|ignore (?:my|our|the)|changed (?:our|"
        r"my) minds?|after all|don't worry|no worries|rest assured|keine Sorge|bleiben|restons|quedamos|restiamo|"
        r"blijven|stannar|bliver hos|blir hos|ficamos|ficar)\b"
    ),
    "more": (
        r"\b(?:(?:add|adding|need|more|extra|additional|further|another|for) (?:\w+ ){0,3}(?:seats?|licen[cs]es?|"
        r"users?|sites?|teams?|departments?|locations?|modules?|workspaces?)|upgrad\w+|expand\w*|expansion|"
        r"roll(?:ing)?(?: it)? out|recommend\w*|refer(?:ence|red)|signed|approved|(?:want|like|happy|intend|plan|"
        r"decided) to (?:renew|extend)|renewal (?:is )?(?:signed|approved|through)|sister company|hinzu\w*|"
        r"weitere \w*Lizenzen|dazu\w*|unterschrieben|bewilligt|genehmigt|ajouter|signer|signé|validé|añadir|"
        r"ampliar|firmar?|aprob\w+|adicionar|assinar|aprov\w+|aggiungere|firmato|approvato|erbij|getekend|"
        r"goedgekeurd|lägga till|skrivit på|godkän\w+|tilføje|skrevet under|godken\w+|legge til|signert|godkjen\w+"
        r"|utvid\w*|extra)\b"
    ),
    "law": (
        r"\b(?:lawyers?|attorney\w*|solicitors?|counsel|legal|court|liable|damages|sue|lawsuit|breach\w*|violat\w+"
        r"|compensat\w+|withhold\w*|SLA|credits?|authority|Anwalt|Anwält\w*|Rechtsabteilung|juristisch\w*|"
        r"Schadensersatz|haftbar|Gericht|avocat\w*|juridique|tribunal|dommages|abogad\w*|jurídic\w*|daños|"
        r"advogad\w*|danos|avvocat\w*|legale|legali|danni|tribunale|advoca\w*|juridisch\w*|rechter|schade\w*|"
        r"advokat\w*|juridisk\w*|jurist\w*|domstol\w*|skadestånd|erstatning)\b"
    ),
    "boss": (
        r"\b(?:escalat\w+|manager|management|supervisor|director|C[ETFOI]O|chief|executives?|vice president|VP|"
        r"board|senior|superior|Vorgesetzt\w*|Geschäftsführ\w*|Leitung|eskalier\w*|responsable|directeur|direction"
        r"|supervisor|director|dirección|superior|direção|responsabile|direzione|direttore|leidinggevende|"
        r"directeur|directie|chef|ledning\w*|sjef\w*|ledelse\w*)\b"
    ),
    "stuck": (
        r"\b(?:urgent\w*|asap|immediately|blocked|standstill|stands? still|stopped|down|outage|nobody|no one|"
        r"none of|everyone|everybody|whole|entire|cannot|can't|unable|by hand|manually|on paper|critical|"
        r"showstopper|P1|deadline|go-?live|tomorrow|losing money|help!|dringend|steht|niemand|geht nichts|"
        r"nichts mehr|lahm\w*|bloqu\w+|à l'arrêt|arrêt\w*|plus rien|personne|parad[ao]s?|nadie|nada|ninguém|"
        r"urgente|ferm[ao]|niente|nessuno|fermo|ligt stil|plat|niemand|niets|spoed|dringend|still|ingenting|ingen|"
        r"akut|stille|intet|haster)\b"
    ),
    "goes": (
        r"\b(?:last (?:working )?day|farewell|successor|replacement|takes? over|taking over|resign\w*|retir\w+|"
        r"new (?:role|job|position|challenge)|chang\w+ jobs|step(?:ping)? down|no longer (?:work|with)|"
        r"hand(?:ing)? over|(?:has|have|is|will be|I'?m|am|are) (?:now )?leaving (?:the|our|us)|left (?:the|our|"
        r"us)|parental leave|maternity|Nachfolger\w*|letzter Arbeitstag|verlasse|quitte l|démissionn\w*|"
        r"prend la suite|dejo la|renunciad\w*|deixo|vou sair|lascio|dimess\w*|subentra|verlaat|verlaat het|ontslag"
        r"|neemt het over|tar över|tager over|tar over|slutar på|stopper i|slutter i)\b"
    ),
    "away": (
        r"\b(?:out of (?:the )?office|automatic (?:reply|response)|auto-?(?:reply|response|matic)|on (?:annual |"
        r"holiday|vacation|leave|holidays)|away until|delivery (?:status|has failed)|undeliver\w*|do not (?:reply|"
        r"answer)|noreply|newsletter|unsubscribe|SEO|followers|leads?\b.{0,10}prices|Abwesenheit\w*|nicht im Büro|"
        r"im Urlaub|absent|en congé|fuera de la oficina|vacaciones|fora do escritório|fuori ufficio|afwezig|"
        r"vakantie|inte på kontoret|semester|ikke på kontoret|ferie)\b"
    ),
    "data": (
        r"\b(?:(?:export|dump|extract|download|backup|get|take|out)\w*\b.{0,30}\b(?:all|everything|every|full|"
        r"complete|entire|whole|bulk)|(?:all|everything|every|full|complete|entire|whole)\b.{0,30}\b(?:export|dump"
        r"|extract|download|backup|data|records)|sämtliche Daten|alle Daten|vollständig\w* Export|"
        r"toutes nos données|ensemble de nos données|todos nuestros datos|todos los datos|"
        r"todos os (?:nossos )?dados|tutti i (?:nostri )?dati|al onze (?:gegevens|data)|alle gegevens|"
        r"all (?:vår )?data|alle (?:vores )?data|alle data)\b"
    ),
    "we": (
        r"\b(?:we|we're|we'll|we've|our|us|I|I'm|wir|uns\w*|ich|nous|notre|je|nuestr\w+|nós|noss\w+|nostr\w+|wij|"
        r"we|ons|onze|ik|vi|vår\w*|jag|vores|jeg)\b"
    ),
    "you": (
        r"\b(?:you|your|yours|you're|Sie|Ihr\w*|euch|vous|votre|vos|usted\w*|su|sus|vosso\w*|vossa|vostr\w+|vi|"
        r"jullie|u|uw|er|ert|era|jer|jeres|dere|deres)\b"
    ),
    "ask": (r"\?"),
    "bang": (r"!"),
    "praise": (
        r"\b(?:thank\w*|thx|cheers|great|lov(?:e|ed|ely)|perfect\w*|excellent|fantastic|fabulous|brilliant|"
        r"wonderful\w*|awesome|amazing|(?<!not )(?<!n't )(?<!really )(?:happy|glad|pleased|satisfied|impressed)|"
        r"delighted|adore\w*|relief|"
        r"appreciat\w*|superb\w*|kudos|did the trick|saves? (?:us|me|my)|danke|super|toll|klasse|begeistert|"
        r"zufrieden|merci|ravi\w*|parfait|génial|gracias|encantad\w*|excelente|genial|obrigad\w*|fantástico|ótimo|"
        r"grazie|ottimo|perfetto|fantastico|bedankt|dank|top|geweldig|tack|nöjd\w*|toppen|underbar\w*|"
        r"fantastisk\w*|tak|glade?|takk|fornøyd\w*|perfekt\w*|herlig|vidunderlig\w*|dejlig\w*)\b"
    ),
    "anger": (
        r"\b(?:not (?:\w+ )?(?:happy|satisfied|pleased|impressed|good enough|acceptable)|"
        r"unhappy|disappoint\w*|unacceptable|terrible|awful|worst|useless|frustrat\w*|annoy\w*|"
        r"angry|furious|ridiculous|disgrace\w*|joke|mess|poor\w*|fed up|outrageous|horrible|pathetic|dreadful|"
        r"sick of|tired of|wast(?:e|ed|ing)|lost faith|enttäusch\w*|unzufrieden\w*|Zumutung|ärger\w*|schlecht\w*|"
        r"déçu\w*|inadmissible|inacceptable|lamentable|honte|pésim\w*|decepcion\w*|inaceptable|hart[oa]s|"
        r"inaceitável|péssim\w*|desilud\w*|desapont\w*|delus\w*|pessim\w*|inaccettabil\w*|teleurgesteld|"
        r"onacceptabel|waardeloos|slecht\w*|besvik\w*|missnöjd\w*|oacceptab\w*|usel\w*|dålig\w*|irriter\w*|"
        r"skuff\w*|uaccept\w*|uaksept\w*|elendig\w*|dårlig\w*|utilfreds\w*|misfornøyd\w*|trætte?)\b"
    ),
    "nothing": (
        r"\b(?:again|still (?:not|no|nothing|doesn't|isn't)|wrong|broken|error|crash\w*|fail\w*|slow\w*|missing|"
        r"waiting|third time|nobody|schon wieder|immer noch|falsch\w*|encore|toujours pas|otra vez|sigue sin|"
        r"de novo|outra vez|continua sem|di nuovo|ancora|alweer|nog steeds|igen|fortfarande|stadig|fortsatt|"
        r"ingen svar)\b"
    ),
}
_PATTERNS = {name: re.compile(words, re.IGNORECASE) for name, words in _WORDS.items()}
NAMES = tuple(_PATTERNS)


# What is asked of the pieces of one batch is asked several times.
@lru_cache(maxsize=1 << 14)
def has(name: str, text: str) -> bool:
    """Whether any word of the cue `name` occurs in `text`."""
    return _PATTERNS[name].search(text) is not None
