package ingest

import "strings"

// synonyms is what CRMs, billing systems and people call the fields of each
// kind of file, in English and German, normalised as headers are. Order is
// preference: where two columns could be the same field, the earlier word wins.
var synonyms = map[FileKind]map[string][]string{
	Accounts: {
		"id":               {"id", "accountid", "account", "customerid", "companyid", "clientid", "recordid", "hubspotid", "crmid", "kundennummer", "kundennr", "kundenid", "kontoid", "accountnumber", "customernumber", "orgid", "organizationid", "tenantid", "workspaceid", "sfdcaccountid", "salesforceaccountid", "companysfdcid", "casesafeid", "accountcasesafeid", "gsid", "companygsid"},
		"name":             {"name", "accountname", "companyname", "company", "customer", "customername", "client", "clientname", "organization", "organisation", "orgname", "organizationname", "organisationname", "firma", "firmenname", "kunde", "kundenname", "unternehmen"},
		"parent":           {"parent", "parentid", "parentaccountid", "parentaccount", "parentcompany", "ultimateparentid", "konzern", "muttergesellschaft", "übergeordneteraccount"},
		"status":           {"status", "accountstatus", "customerstatus", "lifecyclestage", "type", "accounttype", "kundenstatus", "recordtype"},
		"segment":          {"segment", "tier", "customersegment", "accounttier", "customertier", "kundensegment", "marketsegment", "size", "companysize", "plantier"},
		"arr":              {"arr", "arramount", "annualrecurringrevenue", "acv", "annualcontractvalue", "annualrevenue", "annualvalue", "jahresumsatz", "jahreswert", "jahresvertragswert", "contractvalue", "vertragswert", "revenue", "umsatz"},
		"currency":         {"currency", "arrcurrency", "arrconvertedcurrency", "currencyisocode", "currencycode", "währung", "waehrung"},
		"owner":            {"owner", "csm", "accountowner", "ownerid", "customersuccessmanager", "csowner", "accountmanager", "csmname", "ownername", "accountownername", "csmemail", "betreuer", "kundenbetreuer", "verantwortlich", "verantwortlicher", "inhaber"},
		"start_date":       {"startdate", "start", "signupdate", "signup", "customersince", "createddate", "createdat", "created", "onboarded", "firstseen", "startson", "subscriptionstart", "contractstart", "becameacustomerdate", "originalcontractdate", "closedate", "createdate", "kundeseit", "beginn", "startdatum", "vertragsbeginn", "vertragsstart", "registeredon"},
		"renewal_date":     {"renewaldate", "renewal", "nextrenewal", "nextrenewaldate", "renewalon", "renewson", "contractenddate", "contractend", "subscriptionend", "enddate", "expirydate", "expirationdate", "contractexpirationdate", "verlängerung", "verlängerungsdatum", "verlaengerung", "vertragsende", "laufzeitende"},
		"stage":            {"stage", "journeystage", "customerstage", "lifecycle", "phase", "kundenphase"},
		"escalation_level": {"escalationlevel", "escalation", "eskalation", "eskalationsstufe"},
		"contact_policy":   {"contactpolicy", "emailpolicy", "kontaktrichtlinie"},
		"test":             {"test", "istest", "testaccount", "istestaccount", "internal", "isinternal", "testkunde"},
	},
	Contracts: {
		"id":          {"id", "contractid", "subscriptionid", "contractnumber", "vertragsnummer", "vertragsnr", "vertragid", "agreementid", "opportunityid"},
		"account":     {"account", "accountid", "customerid", "customer", "companyid", "kundennummer", "kundennr", "kundenid", "kunde"},
		"product":     {"product", "productname", "plan", "plantier", "planname", "sku", "subscription", "produkt", "tarif"},
		"start_date":  {"startdate", "start", "contractstart", "startson", "beginn", "startdatum", "vertragsbeginn"},
		"end_date":    {"enddate", "end", "contractend", "endson", "expirydate", "renewaldate", "termend", "ende", "enddatum", "vertragsende", "laufzeitende"},
		"notice_date": {"noticedate", "noticedeadline", "cancelby", "kündigungsfrist", "kuendigungsfrist", "kündigungstermin"},
		"notice_days": {"noticedays", "noticeperiod", "noticeperioddays", "kündigungsfristtage", "kündigungsfristintagen"},
		"amount":      {"amount", "value", "contractvalue", "arr", "arramount", "acv", "annualvalue", "totalamount", "betrag", "vertragswert", "jahreswert"},
		"auto_renew":  {"autorenew", "autorenewal", "autorenewflag", "renewsautomatically", "automatischeverlängerung", "autoverlängerung"},
		"renewed":     {"renewed", "isrenewed", "verlängert"},
		"cancelled":   {"cancelled", "canceled", "iscancelled", "iscanceled", "terminated", "gekündigt", "gekuendigt"},
	},
	Contacts: {
		"id":         {"id", "contactid", "personid", "userid", "recordid", "kontaktid"},
		"account":    {"account", "accountid", "companyid", "customerid", "associatedcompanyid", "kundennummer", "kundennr", "kundenid", "kunde", "company"},
		"name":       {"name", "fullname", "contactname", "contact", "person", "ansprechpartner", "kontakt"},
		"first_name": {"firstname", "givenname", "vorname"},
		"last_name":  {"lastname", "surname", "familyname", "nachname"},
		"email":      {"email", "emailaddress", "mail", "mailadresse", "emailadresse", "workemail"},
		"role":       {"role", "roles", "buyingrole", "contactrole", "persona", "rolle", "rollen", "funktion"},
		"locale":     {"locale", "language", "preferredlanguage", "sprache"},
		"last_seen":  {"lastseen", "lastlogin", "lastactive", "lastactivity", "lastlogindate", "letzterlogin", "zuletztaktiv"},
	},
	Touches: {
		"id":      {"id", "touchid", "activityid", "taskid", "engagementid"},
		"account": {"account", "accountid", "companyid", "customerid", "kundennummer", "kundenid"},
		"contact": {"contact", "contactid", "personid", "whoid"},
		"day":     {"day", "date", "activitydate", "meetingdate", "createddate", "datum", "tag", "timestamp"},
		"kind":    {"kind", "type", "activitytype", "tasktype", "channel", "art", "aktivität"},
		"by":      {"by", "owner", "createdby", "user", "assignedto", "csm", "von", "bearbeiter"},

		"direction": {"direction", "emaildirection", "richtung"},
	},
	Products: {
		"id":         {"id", "productid", "assetid", "licenseid", "licenceid", "entitlementid", "lineitemid", "produktid", "lizenzid"},
		"account":    {"account", "accountid", "customerid", "customer", "companyid", "kundennummer", "kundennr", "kundenid", "kunde"},
		"name":       {"name", "product", "productname", "module", "modulename", "asset", "assetname", "produkt", "produktname", "modul"},
		"plan":       {"plan", "planname", "plantier", "edition", "tier", "tarif"},
		"seats":      {"seats", "licensedseats", "licencedseats", "seatcount", "licenses", "licences", "quantity", "lizenzen", "plätze", "anzahl"},
		"start_date": {"startdate", "start", "startson", "installdate", "beginn", "startdatum"},
		"end_date":   {"enddate", "end", "endson", "expirydate", "expirationdate", "usageenddate", "ende", "enddatum"},
		"features":   {"features", "featurelist", "modules", "addons", "entitlements", "funktionen", "module"},
	},
	Tickets: {
		"id":       {"id", "ticketid", "caseid", "casenumber", "ticketnumber", "issueid", "issuekey", "conversationid", "ticketnummer", "fallnummer"},
		"account":  {"account", "accountid", "customerid", "companyid", "organizationid", "orgid", "organization", "organisation", "customer", "company", "kundennummer", "kundenid", "kunde"},
		"contact":  {"contact", "contactid", "requesterid", "requester", "requesteremail", "contactemail", "reporter", "personid", "kontakt", "ansprechpartner", "email"},
		"priority": {"priority", "severity", "urgency", "ticketpriority", "casepriority", "priorität", "prioritaet", "dringlichkeit", "schweregrad"},
		"opened":   {"opened", "openedat", "openeddate", "dateopened", "created", "createdat", "createddate", "createdon", "createdtime", "submittedat", "erstellt", "erstelltam", "eröffnet", "eröffnetam", "date"},
		"closed":   {"closed", "closedat", "closeddate", "dateclosed", "solvedat", "resolvedat", "resolutiondate", "resolved", "completedat", "geschlossen", "geschlossenam", "gelöstam", "erledigtam"},
		"status":   {"status", "state", "ticketstatus", "casestatus", "isclosed", "zustand"},
	},
	Surveys: {
		"id":      {"id", "surveyid", "responseid", "answerid", "antwortid"},
		"account": {"account", "accountid", "customerid", "companyid", "customer", "company", "kundennummer", "kundenid", "kunde"},
		"contact": {"contact", "contactid", "respondentid", "respondent", "personid", "email", "contactemail", "recipient", "kontakt"},
		"kind":    {"kind", "type", "surveytype", "survey", "surveyname", "art", "umfrage"},
		"day":     {"day", "date", "respondedat", "responsedate", "answeredat", "submittedat", "completedat", "createdat", "datum", "tag", "timestamp"},
		"score":   {"score", "npsscore", "csatscore", "nps", "csat", "rating", "answer", "response", "bewertung", "punkte"},
	},
	Objectives: {
		"id":       {"id", "objectiveid", "goalid", "successplanid"},
		"account":  {"account", "accountid", "customerid", "companyid", "customer", "company", "kundennummer", "kundenid", "kunde"},
		"name":     {"name", "objective", "goal", "goalname", "objectivename", "ziel", "zielname"},
		"metric":   {"metric", "kpi", "measure", "metricname", "metrik", "kennzahl"},
		"baseline": {"baseline", "baselinevalue", "startvalue", "ausgangswert"},
		"target":   {"target", "targetvalue", "goalvalue", "zielwert"},
		"due":      {"due", "duedate", "targetdate", "deadline", "fällig", "fälligam", "zieldatum"},
		"agreed":   {"agreed", "agreedwith", "contact", "contactid", "sponsor", "vereinbartmit"},
	},
	Milestones: {
		"account": {"account", "accountid", "customerid", "companyid", "customer", "company", "kundennummer", "kundenid", "kunde"},
		"name":    {"milestone", "milestonename", "name", "meilenstein"},
		"day":     {"day", "date", "reachedon", "reachedat", "completedat", "completedon", "datedone", "datum", "erreichtam", "tag"},
	},
	Metrics: {
		"account": {"account", "accountid", "customerid", "companyid", "tenantid", "workspaceid", "orgid", "kundennummer", "kundenid", "customer"},
		"day":     {"day", "date", "usagedate", "eventdate", "activitydate", "datum", "tag", "timestamp", "time", "ts"},
		"metric":  {"metric", "metricname", "measure", "kpi", "feature", "featurename", "event", "eventname", "metrik", "kennzahl"},
		"value":   {"value", "metricvalue", "count", "quantity", "wert", "anzahl", "menge"},
	},
}

// weakWords are synonyms that just as often mean something else. They are
// proposed as comments only.
var weakWords = map[string]bool{
	"type": true, "accounttype": true, "recordtype": true, "size": true, "companysize": true, "plantier": true,
	"revenue": true, "umsatz": true, "annualrevenue": true, "contractvalue": true,
	"jahresumsatz": true, "closedate": true, "createdate": true,
	"created": true, "createdat": true, "createddate": true, "firstseen": true, "registeredon": true,
	"enddate": true, "internal": true, "isinternal": true,
	"user": true, "feature": true, "featurename": true, "event": true, "eventname": true,
}

// kindWords are what files of a kind are called.
var kindWords = map[FileKind][]string{
	Accounts:   {"account", "customer", "client", "compan", "kunde", "firmen", "organi", "tenant"},
	Contracts:  {"contract", "subscription", "agreement", "renewal", "vertrag", "verträge", "vertraege", "abo"},
	Contacts:   {"contact", "people", "person", "user", "kontakt", "ansprechpartner"},
	Touches:    {"touch", "meeting", "call", "engagement", "interaction", "aktivit", "besuch"},
	Products:   {"product", "asset", "entitlement", "license", "licence", "produkt", "lizenz"},
	Tickets:    {"ticket", "case", "support", "helpdesk", "incident", "zendesk", "anfrage"},
	Surveys:    {"survey", "nps", "csat", "umfrage", "feedback"},
	Objectives: {"objective", "goal", "success_plan", "successplan", "ziel"},
	Milestones: {"milestone", "meilenstein"},
	Metrics:    {"usage", "metric", "daily", "event", "activity", "login", "nutzung", "telemetry", "feature"},
}

// named tells whether a file's name says that it is of a kind.
func (k FileKind) named(name string) bool {
	name = strings.ToLower(name)
	for _, w := range kindWords[k] {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}
