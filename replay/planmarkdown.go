package replay

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"steward/playbooks"
)

// markdownMost is how long a comparison may get in bytes: what hosts of pull
// requests take as a comment is 64 kB and more.
const markdownMost = 60_000

const (
	shownPlaybooks = 60   // rows of the summary
	shownCases     = 12   // rows of a list
	shownWords     = 1500 // characters of a message
	shownName      = 80   // characters of a name, or of what was seen
)

// Markdown is the comparison as a comment on a pull request: the sum first, then
// tables, then what would be said, folded away. zone is the one that times are
// told in. It stays below 60 kB and says what it leaves out.
func (c Comparison) Markdown(zone *time.Location) string {
	var b markdown
	b.line("### Steward plan: %s", c.Headline())
	b.line("")
	b.line("%s", mdText(c.Basis(zone)))
	b.summary(c)
	b.owners(c)
	left := 0
	for _, p := range c.Playbooks {
		if p.Quiet() {
			continue
		}
		section := playbookMarkdown(p, c.Against != "")
		if b.Len()+len(section) > markdownMost-200 {
			// Without its messages it may find room.
			p.Samples = nil
			section = playbookMarkdown(p, c.Against != "") + "\nIts messages are left out, as this would be too long.\n"
		}
		if b.Len()+len(section) > markdownMost-200 {
			left++
			continue
		}
		b.WriteString(section)
	}
	if left > 0 {
		b.line("\nLeft out, as this would be too long: %s. `steward plan --json` has everything.", counted(left, "playbook"))
	}
	return b.String()
}

// Headline is the sum in a few words.
func (c Comparison) Headline() string {
	if c.Against == "" {
		return counted(c.Newly, "enrolment") + " would open or be held"
	}
	if c.Newly+c.NoLonger+c.Change == 0 {
		return "nobody would notice a difference"
	}
	return fmt.Sprintf("%d newly, %d no longer, %d changed", c.Newly, c.NoLonger, c.Change)
}

// Basis says what was compared, on what.
func (c Comparison) Basis(zone *time.Location) string {
	text := "The evaluation of " + c.Slot.Time().In(zone).Format("Monday 2 January 2006 15:04") + " on " + counted(c.Accounts, "account") + " in the portfolio"
	if c.Against != "" {
		text += ", compared with " + c.Against + " on the same facts and with the same memory"
	}
	text += "."
	if c.Newly > 0 {
		text += fmt.Sprintf(" Something newly concerns %.3g%% of the accounts.", 100*c.Share())
	}
	return text
}

type markdown struct{ strings.Builder }

func (b *markdown) line(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }

func (b *markdown) summary(c Comparison) {
	rows := 0
	for _, p := range c.Playbooks {
		if p.Quiet() {
			continue
		}
		if rows == 0 {
			if c.Against == "" {
				b.line("\n| playbook | after this evaluation | newly |\n|---|---|--:|")
			} else {
				b.line("\n| playbook | before | after | newly | no longer | changed |\n|---|---|---|--:|--:|--:|")
			}
		}
		if rows++; rows > shownPlaybooks {
			continue
		}
		if c.Against == "" {
			b.line("| %s | %s | %d |", mdText(string(p.Playbook)), StandingWords(p.After), len(p.Newly))
		} else {
			b.line("| %s | %s | %s | %d | %d | %d |", mdText(string(p.Playbook)), StandingWords(p.Before), StandingWords(p.After), len(p.Newly), len(p.NoLonger), len(p.Changed))
		}
	}
	if n := rows - shownPlaybooks; n > 0 {
		b.line("\nand %s", counted(n, "playbook more"))
	}
}

func (b *markdown) owners(c Comparison) {
	if len(c.Owners) == 0 {
		return
	}
	b.line("\n| owner | newly | no longer | changed |\n|---|--:|--:|--:|")
	for i, o := range c.Owners {
		if i == shownPlaybooks {
			b.line("\nand %s", counted(len(c.Owners)-i, "owner more"))
			return
		}
		b.line("| %s | %d | %d | %d |", mdText(clipped(OwnerWords(o), shownName)), o.Newly, o.NoLonger, o.Changed)
	}
}

// OwnerWords names an owner.
func OwnerWords(o OwnerComparison) string {
	switch {
	case o.Owner == "":
		return "nobody"
	case o.Name == "":
		return string(o.Owner) + " (not in the owners' file)"
	}
	return o.Name
}

// StandingWords is how many stand where, such as "2 open · 1 held".
func StandingWords(n map[Standing]int) string {
	var out []string
	for _, st := range []Standing{Opens, Held, Waits, Open, Ends} {
		if n[st] > 0 {
			out = append(out, fmt.Sprintf("%d %s", n[st], standingWord[st][min(n[st], 2)-1]))
		}
	}
	if len(out) == 0 {
		return "nobody"
	}
	return strings.Join(out, " · ")
}

var standingWord = map[Standing][2]string{Opens: {"opens", "open now"}, Held: {"held", "held"}, Waits: {"waits", "wait"}, Open: {"open already", "open already"}, Ends: {"ends", "end"}}

func playbookMarkdown(p PlaybookComparison, against bool) string {
	var b markdown
	title := mdText(string(p.Playbook))
	if p.Title != "" {
		title += ": " + mdText(clipped(p.Title, shownName))
	}
	b.line("\n#### %s\n", title)
	for _, n := range p.Notes {
		b.line("- It %s", mdText(n))
	}
	b.cases("Newly", p.Newly)
	b.cases("No longer", p.NoLonger)
	if len(p.Changed) > 0 {
		b.line("\n**Changed (%d)**\n\n| account | owner | was | is | steps |\n|---|---|---|---|---|", len(p.Changed))
		for i, x := range p.Changed {
			if i == shownCases {
				b.line("\nand %d more", len(p.Changed)-i)
				break
			}
			b.line("| %s | %s | %s | %s | %s |", mdText(Who(x.Forecast)), mdText(string(x.Owner)), x.Was, x.Standing, mdText(clipped(strings.Join(x.Steps, "; "), 2*shownName)))
		}
	}
	for _, s := range p.Samples {
		b.sample(s)
	}
	return b.String()
}

func (b *markdown) cases(what string, list []Forecast) {
	if len(list) == 0 {
		return
	}
	b.line("\n**%s (%d)**\n\n| account | owner | | why |\n|---|---|---|---|", what, len(list))
	for i, x := range list {
		if i == shownCases {
			b.line("\nand %d more", len(list)-i)
			return
		}
		st := string(x.Standing)
		if x.Reason != "" {
			st += " (" + string(x.Reason) + ")"
		}
		b.line("| %s | %s | %s | %s |", mdText(Who(x)), mdText(string(x.Owner)), mdText(st), mdText(clipped(strings.Join(x.Why, "; "), 2*shownName)))
	}
}

func (b *markdown) sample(s Sample) {
	b.line("\n<details><summary>What %s would come to</summary>\n", mdText(Who(s.Forecast)))
	for _, d := range s.Drafts {
		b.line("**%s** · %s to %s%s\n", mdText(d.Step), mdText(d.How), mdText(clipped(addressee(d), shownName)), prefixed(" · ", mdText(d.When)))
		if d.Content == nil {
			b.line("%s\n", mdText(clipped(d.Why, 2*shownName)))
			continue
		}
		text := clipped(printable(d.Text()), shownWords)
		fence := "```"
		for strings.Contains(text, fence) {
			fence += "`"
		}
		b.line("%stext\n%s\n%s\n", fence, strings.TrimRight(text, "\n"), fence)
	}
	b.line("</details>")
}

// Who names what a forecast is about.
func Who(x Forecast) string {
	who := x.Subject.ID
	if string(x.Subject.Account) != x.Subject.ID {
		who += " of " + string(x.Subject.Account)
	}
	if x.Name != "" {
		who += " " + x.Name
	}
	return clipped(who, shownName)
}

// Addressee is who would get a draft, without an address.
func Addressee(d playbooks.Draft) string { return addressee(d) }

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func clipped(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	noun, rest, _ := strings.Cut(what, " ")
	return strings.TrimSpace(fmt.Sprintf("%d %ss %s", n, noun, rest))
}

// mdText is text from the data on a line of Markdown: it is no markup, link,
// cell or HTML, and calls nobody by an @.
func mdText(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(printable(s)), " ") {
		switch {
		case r == '@':
			b.WriteString("@&#8203;") // hosts look for names after the escapes are gone
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]#|~$", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.ReplaceAll(b.String(), "://", ":&#8203;//")
}

// printable leaves out what a reader cannot see, or what turns text round.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s)
}
