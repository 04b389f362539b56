package replay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"steward"
)

// The company names are heads × trades × legal forms: some thirty thousand.
var (
	nameHeads = []string{
		"Alder", "Amberly", "Arcadia", "Ashgrove", "Atlas", "Aurora", "Bayside", "Beacon", "Birchwood", "Blue Heron", "Brightwater", "Calder",
		"Cedar & Stone", "Cobalt", "Copperfield", "Cordillera", "Dunmore", "Eastgate", "Elbtal", "Elm Street", "Everline", "Fairhaven", "Falkenberg",
		"Fjord", "Garnet", "Glashütte", "Goldcrest", "Granite", "Hafen", "Halcyon", "Harbour", "Hollis", "Indigo", "Ironbridge", "Juniper", "Kestrel",
		"Königstein", "Lakeshore", "Larkspur", "Lindqvist", "Lumen", "Mariposa", "Meridian", "Mistral", "Montserrat", "Northwind", "Nueva Castilla",
		"Oakhurst", "Orchard", "Osprey", "Peña", "Pinecrest", "Quarry", "Redwood", "Rivermark", "Rosario", "Sable", "Santillana", "Silverlake",
		"Solana", "Sonnenfeld", "Sterling", "Stonebridge", "Summit", "Tamarack", "Tideway", "Trellis", "Umbra", "Valdés", "Verde", "Vesper",
		"Waldmann", "Westmoor", "Willowbrook", "Windward", "Yarrow", "Zephyr", "Zürcher",
	}
	nameTrades = []string{
		"Analytics", "Biotech", "Bikes", "Brewing", "Capital", "Clinics", "Components", "Design", "Diagnostics", "Dynamics", "Education", "Energy",
		"Foods", "Freight", "Furniture", "Games", "Health", "Hotels", "Instruments", "Insurance", "Interiors", "Labs", "Legal", "Logistics", "Marine",
		"Materials", "Media", "Mobility", "Networks", "Optics", "Outdoor", "Packaging", "Partners", "Pharma", "Power", "Publishing", "Retail",
		"Robotics", "Software", "Staffing", "Systems", "Textiles", "Tools", "Travel", "Ventures", "Water",
	}
	nameForms = [countries][]string{
		germany: {"GmbH", "AG", "SE", "GmbH & Co. KG", "UG"},
		spain:   {"S.L.", "S.A.", "S.L.U."},
		america: {"Inc.", "LLC", "Corp.", "Co.", "Ltd"},
	}
	// awkwardNames are what real CRMs hold and what breaks files, cards and
	// mails: each appears once, early, so that every demo meets them.
	awkwardNames = []string{
		`<!channel> *Bold* {{.}}`,
		`Vereinigte Niederrheinisch-Westfälische Versorgungs- und Entsorgungsbetriebe für Energie, Wasser und Kreislaufwirtschaft Beteiligungsgesellschaft mit beschränkter Haftung & Co. Kommanditgesellschaft auf Aktien`,
		`Müller, Söhne & Töchter "Die Bäcker"`,
		`🚀 Rocketeers`,
		`O'Brien; Sons & Daughters`,
		`株式会社サクラ`,
	}

	firstNames = [countries][]string{
		germany: {"Anna", "Jürgen", "Lena", "Matthias", "Sabine", "Tobias", "Katrin", "Uwe", "Friederike", "Jonas", "Miriam", "Holger"},
		spain:   {"Lucía", "Javier", "Marta", "Íñigo", "Carmen", "Álvaro", "Nuria", "Sergio", "Pilar", "Andrés", "Elena", "Raúl"},
		america: {"Emily", "Marcus", "Priya", "Jordan", "Grace", "Wei", "Aisha", "Tyler", "Naomi", "Diego", "Hannah", "Kwame"},
	}
	lastNames = [countries][]string{
		germany: {"Becker", "Schäfer", "Vogt", "Krüger", "Brandt", "Yılmaz", "Lorenz", "Groß", "Pohl", "Nowak", "Winter", "Hübner"},
		spain:   {"García", "Muñoz", "Ibáñez", "Serrano", "Ortega", "Peña", "Vidal", "Castro", "Núñez", "Rey", "Soler", "Campos"},
		america: {"Johnson", "Patel", "O'Neill", "Nguyen", "Brooks", "Kim", "Reed", "Alvarez", "Cooper", "Hughes", "Okafor", "Stein"},
	}
	locales = [countries]string{germany: "de", spain: "es", america: "en"}
)

const (
	poolID     steward.OwnerID = "smb-pool"
	leftUsLong steward.OwnerID = "r.former" // in the CRM, no longer in owners.yaml
)

// A csm is an owner with what the simulation needs beside.
type csm struct {
	id      steward.OwnerID
	country country
}

// zoneNames are the owners' zones as owners.yaml writes them. They are written
// by name and loaded only for Owners, so that the files do not depend on the
// zone database of the machine.
var zoneNames = [countries]string{germany: "Europe/Berlin", spain: "Europe/Madrid", america: "America/New_York"}

type ownerRow struct {
	owner   steward.Owner
	country country
}

// team is who looks after the portfolio: two managers with a team each and a
// pool for the small accounts.
func team() []ownerRow {
	row := func(id, name, slack string, c country, manager, backup steward.OwnerID) ownerRow {
		return ownerRow{steward.Owner{ID: steward.OwnerID(id), Name: name, Email: id + "@steward-demo.example", Slack: slack, Manager: manager, Backup: backup}, c}
	}
	return []ownerRow{
		row("lee", "Lee Hartmann", "U0LEE0001", germany, "", ""),
		row("robin", "Robin Castellanos", "U0ROB0002", america, "", ""),
		row("dana", "Dana Reyes", "U0DAN0003", spain, "lee", "sam"),
		row("sam", "Sam Iglesias", "U0SAM0004", spain, "lee", "dana"),
		row("jonas", "Jonas Vogel", "U0JON0005", germany, "lee", "mila"),
		row("mila", "Mila Brandt", "U0MIL0006", germany, "lee", "jonas"),
		row("ava", "Ava Thompson", "U0AVA0007", america, "robin", "noah"),
		row("noah", "Noah Kim", "U0NOA0008", america, "robin", "ava"),
		row("zoe", "Zoë Okafor", "", america, "robin", "ava"), // no Slack id: found by e-mail
		{steward.Owner{ID: poolID, Name: "SMB pool", Pool: "#cs-smb", Manager: "lee"}, germany},
	}
}

// csms is the part of the team that accounts are given to.
func csms() []csm {
	var out []csm
	for _, r := range team() {
		if r.owner.Pool == "" && r.owner.Manager != "" {
			out = append(out, csm{r.owner.ID, r.country})
		}
	}
	return out
}

// ownersYAML writes the team as owners.yaml, one owner a line.
func ownersYAML() []byte {
	var b strings.Builder
	b.WriteString("# Who looks after the accounts. An account's owner field names an id of this list.\n")
	for _, r := range team() {
		o := r.owner
		fmt.Fprintf(&b, "- {id: %s, name: %q", o.ID, o.Name)
		for _, f := range [][2]string{{"email", o.Email}, {"slack", o.Slack}, {"manager", string(o.Manager)}, {"backup", string(o.Backup)}} {
			if f[1] != "" {
				fmt.Fprintf(&b, ", %s: %s", f[0], f[1])
			}
		}
		if o.Pool != "" {
			fmt.Fprintf(&b, ", pool: %q", o.Pool)
		}
		fmt.Fprintf(&b, ", zone: %s}\n", zoneNames[r.country])
	}
	return []byte(b.String())
}

// loadOwners is the team with zones loaded. A machine without a zone database
// gives UTC rather than no owners.
func loadOwners() []steward.Owner {
	var out []steward.Owner
	for _, r := range team() {
		o := r.owner
		o.Zone = time.UTC
		if z, err := time.LoadLocation(zoneNames[r.country]); err == nil {
			o.Zone = z
		}
		out = append(out, o)
	}
	return out
}

// A namer hands out company names, none twice.
type namer struct {
	rng  *rand.Rand
	used map[string]bool
}

func (n *namer) company(c country) string {
	for try := 0; ; try++ {
		name := pick(n.rng, nameHeads) + " " + pick(n.rng, nameTrades) + " " + pick(n.rng, nameForms[c])
		if try > 20 { // a very large portfolio: tell branches apart by number
			name = fmt.Sprintf("%s %d", name, 2+n.rng.IntN(1_000_000))
		}
		if !n.used[name] {
			n.used[name] = true
			return name
		}
	}
}

// contactsOf draws who works at an account. Some have nobody who signs, some
// people have no address: real CRMs do.
func contactsOf(rng *rand.Rand, a steward.Account, c country, seats int, first, last steward.Day) []steward.Contact {
	wanted := [][]string{{"champion"}, {"admin"}, {"end_user"}}
	switch p := rng.Float64(); {
	case p < 0.12: // nobody signs, as far as the CRM knows
	case p < 0.25 && seats < 40:
		wanted = [][]string{{"economic_buyer", "admin"}, {"end_user"}} // the boss does it all
	default:
		wanted = append([][]string{{"economic_buyer"}}, wanted...)
	}
	if seats > 200 {
		wanted = append(wanted, []string{"end_user"}, []string{"procurement"})
	}
	domain := slug(a.Name, "-")
	var out []steward.Contact
	for i, roles := range wanted {
		name := pick(rng, firstNames[c]) + " " + pick(rng, lastNames[c])
		contact := steward.Contact{
			ID:       steward.ContactID(fmt.Sprintf("%s-P%d", a.ID, i+1)),
			Account:  a.ID,
			Name:     name,
			Email:    fmt.Sprintf("%s@%s.example", slug(name, "."), domain),
			Roles:    roles,
			Locale:   locales[c],
			LastSeen: last - steward.Day(rng.IntN(30)),
		}
		if rng.Float64() < 0.06 {
			contact.Email = ""
		}
		if roles[0] == "economic_buyer" && rng.Float64() < 0.6 || contact.LastSeen < first {
			contact.LastSeen = steward.NoDay // signs and never logs in
		}
		out = append(out, contact)
	}
	return out
}

// slug is a name in the letters that an address can hold: accents dropped,
// words joined, at most 40 letters.
func slug(name, join string) string {
	var words []string
	for _, w := range strings.FieldsFunc(norm.NFD.String(strings.ToLower(strings.ReplaceAll(name, "ß", "ss"))), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)
	}) {
		if w = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, w); w != "" {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return "company"
	}
	s := strings.Join(words, join)
	return strings.Trim(s[:min(len(s), 40)], join)
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// touchesOf draws the calls and meetings of an account from first to last. A
// silent account has had none since silentSince.
func touchesOf(rng *rand.Rand, a steward.Account, contacts []steward.Contact, first, last, silentSince steward.Day, also []steward.Day) []steward.Touch {
	days := slices.Clone(also)
	for d := first + steward.Day(rng.IntN(40)); d <= last; d += steward.Day(12 + rng.IntN(45)) {
		if silentSince == steward.NoDay || d < silentSince {
			days = append(days, min(nextWorkday(d), last))
		}
	}
	slices.Sort(days)
	var out []steward.Touch
	for i, d := range slices.Compact(days) {
		t := steward.Touch{ID: fmt.Sprintf("%s-T%d", a.ID, i+1), Account: a.ID, Day: d, Kind: pick(rng, []string{"call", "meeting", "email", "call", "note"}), By: string(a.Owner)}
		if len(contacts) > 0 && t.Kind != "note" {
			t.Contact = pick(rng, contacts).ID
		}
		out = append(out, t)
	}
	return out
}

func nextWorkday(d steward.Day) steward.Day {
	for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
		d++
	}
	return d
}
