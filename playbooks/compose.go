package playbooks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"

	"steward"
	"steward/facts"
	"steward/playbooks/lang"
)

// Compose writes what a message says: a card with one part per outreach, most
// urgent first, or a mail. Enrolments are those of the outreach.
func (s *Situation) Compose(m steward.Message, outreach []steward.Outreach, enrolments []steward.Enrolment) (steward.Content, error) {
	byID := map[steward.EnrolmentID]steward.Enrolment{}
	for _, e := range enrolments {
		byID[e.ID] = e
	}
	return s.compose(m, outreach, byID)
}

func (s *Situation) compose(m steward.Message, outreach []steward.Outreach, enrolments map[steward.EnrolmentID]steward.Enrolment) (steward.Content, error) {
	if m.Kind == steward.Digest {
		return s.ComposeDigest(steward.Dossier{Message: m, Enrolments: slices.Collect(maps.Values(enrolments))}, outreach)
	}
	if len(outreach) == 0 {
		return steward.Content{}, fmt.Errorf("message %s carries nothing", m.ID)
	}
	outreach = slices.Clone(outreach)
	slices.SortStableFunc(outreach, ranked)
	var letters []letter
	for _, o := range outreach {
		l, err := s.letter(o, enrolments[o.Enrolment])
		if err != nil {
			return steward.Content{}, err
		}
		letters = append(letters, l)
	}
	switch m.Channel {
	case steward.Email:
		return s.mail(letters[0])
	case steward.Webhook:
		return s.call(letters[0])
	}
	return s.card(letters)
}

func severityRank(s string) int {
	return slices.Index([]string{string(Info), string(Warning), string(Critical)}, s)
}

// letter is one outreach with what its wording reads.
type letter struct {
	outreach steward.Outreach
	playbook *Playbook
	wording  *Wording
	account  steward.Account
	owner    steward.Owner
	manager  steward.Owner
	fields   []steward.FieldSpec
	view     *facts.View
	row      int
	at       lang.At
	enrol    steward.Enrolment
	// reader is whom a mail is to, as the data has them now.
	reader steward.Contact
}

func (s *Situation) letter(o steward.Outreach, e steward.Enrolment) (letter, error) {
	p, ok := s.running(e)
	if !ok {
		return letter{}, fmt.Errorf("playbook %s is no longer there to compose %s", o.Playbook, o.ID)
	}
	w, ok := s.Book.Wordings[o.Wording]
	if (!ok || w.body == nil) && (o.Wording != "" || o.To.Webhook == "") {
		return letter{}, fmt.Errorf("message %s is no longer in the workspace; put it back, or end the enrolment", o.Wording)
	}
	view := s.Frame.View(p.About)
	row, ok := view.Row(o.Subject.ID)
	if !ok {
		return letter{}, fmt.Errorf("%s is no longer in the data", o.Subject)
	}
	reader := s.readerOf(o)
	if w != nil && o.To.Customer() {
		w = w.For(reader.Locale)
	}
	l := letter{outreach: o, playbook: p, wording: w, view: view, row: row, at: s.at(row, e, p), account: *view.Account(row), enrol: e, fields: s.Book.Fields, reader: reader}
	l.owner = s.Book.owners[s.ownerOf(l.account, e)]
	l.manager = s.Book.owners[l.owner.Manager]
	return l, nil
}

func (s *Situation) card(letters []letter) (steward.Content, error) {
	first := letters[0]
	c := steward.Content{
		Title: first.playbook.Title, Account: plainLine(first.account.Name), Severity: string(first.playbook.Severity),
		Facts: s.cardFacts(first),
	}
	if c.Account == "" {
		c.Account = plainLine(string(first.account.ID))
	}
	s.links(&c, first.account.ID, first.outreach.To.Owner)
	for _, l := range letters {
		body, err := l.text(l.wording.body, true)
		if err != nil {
			return steward.Content{}, err
		}
		part := steward.ContentPart{Playbook: l.playbook.Name, Title: l.playbook.Title, Markdown: strings.TrimSpace(body), Evidence: l.evidence(), Enrolment: l.enrol.ID, Picture: l.picture()}
		if part.Say, err = l.say(); err != nil {
			return steward.Content{}, err
		}
		c.Parts = append(c.Parts, part)
	}
	if len(letters) > 1 {
		c.Title = fmt.Sprintf("%d things to look at", len(letters))
	}
	c.Footer = first.footer()
	first.asTask(&c)
	first.asAgain(&c)
	return c, nil
}

// links puts in where there is more of an account: in the CRM, and on its page.
func (s *Situation) links(c *steward.Content, account steward.AccountID, to steward.OwnerID) {
	if link := s.Book.CRMLink; link != "" {
		// Good in a path and in a query alike: an id is data and ends neither.
		id := strings.ReplaceAll(url.QueryEscape(string(account)), "+", "%20")
		c.Link = strings.ReplaceAll(link, "{id}", id)
	}
	c.Page = s.Book.Page(account, to, s.Now)
}

// footer says why the card came and how to take it on or look deeper.
func (l letter) footer() string {
	return fmt.Sprintf("Take it on: steward ack %s · Why: steward explain %s %s", l.enrol.ID, l.account.ID, l.playbook.Name)
}

// cardFacts is the line under a card's heading: what a CSM wants to know of an
// account before anything else. What is not known is left out.
func (s *Situation) cardFacts(l letter) []steward.LabelledText {
	var out []steward.LabelledText
	add := func(label, text string) {
		if text = plainLine(text); text != "" {
			out = append(out, steward.LabelledText{Label: label, Text: text})
		}
	}
	if l.account.ARR.Known {
		add("ARR", money(l.account.ARR.Num, l.account.Currency))
	}
	today := l.view.Today(0)
	switch days := int(l.account.RenewalDate - today); {
	case l.account.RenewalDate == steward.NoDay:
	case days < 0: // a date in the past is a fault of the data, not a finding
		add("Renewal", "date is in the past: "+longDate(l.account.RenewalDate))
	case days == 0:
		add("Renews", "today")
	case days == 1:
		add("Renews", "tomorrow")
	default:
		add("Renews", fmt.Sprintf("in %d days (%s)", days, longDate(l.account.RenewalDate)))
	}
	if ct := l.view.Contract(l.row); ct != nil && ct.NoticeDate != steward.NoDay {
		add("Notice by", longDate(ct.NoticeDate))
	}
	l.subjectFacts(add)
	add("Health", s.healthFact(l.account.ID))
	add("Stage", s.stageOf(l.account))
	add("Segment", l.account.Segment)
	if l.outreach.To.Owner != l.owner.ID {
		add("Owner", l.owner.Name)
	}
	add("Talk to", s.talkTo(l))
	return out
}

// evidence is what was seen, in words: now, or at opening where the condition
// cannot be shown to hold now.
func (l letter) evidence() []string {
	if l.playbook.When.Value(l.view, l.row, l.at).Verdict() == steward.Holds {
		return plainLines(Words(lang.Evidence(l.playbook.When.Trace(l.view, l.row, l.at))))
	}
	out := plainLines(Words(l.enrol.Evidence))
	for i := range out {
		out[i] = "on " + longDate(steward.DayOf(l.enrol.OpenedAt, l.view.Frame().Zone())) + " " + out[i]
	}
	return out
}

func plainLines(lines []string) []string {
	for i := range lines {
		lines[i] = plainLine(lines[i])
	}
	return lines
}

func (s *Situation) mail(l letter) (steward.Content, error) {
	if l.wording.subject == nil {
		return steward.Content{}, fmt.Errorf("message %s has no subject", l.wording.Name)
	}
	subject, err := l.text(l.wording.subject, false)
	if err != nil {
		return steward.Content{}, err
	}
	body, err := l.text(l.wording.body, true)
	if err != nil {
		return steward.Content{}, err
	}
	from := l.owner.Name
	if s.Book.MailFrom != "" {
		from = strings.ReplaceAll(s.Book.MailFrom, "{owner}", l.owner.Name)
	}
	return steward.Content{
		Title: plainLine(subject), Account: plainLine(l.account.Name), Parts: []steward.ContentPart{{Playbook: l.playbook.Name, Markdown: strings.TrimSpace(body), Enrolment: l.enrol.ID}},
		From: plainLine(from), ReplyTo: l.owner.Email, Locale: l.wording.Locale, Signature: l.signature(), Footer: l.smallPrint(s.Book.MailFooter),
	}, nil
}

// text renders a template; in Markdown, data is escaped.
func (l letter) text(t *template.Template, markdown bool) (string, error) {
	p := printer{markdown: markdown, currency: l.account.Currency, tongue: tongueOf(l.locale()), mail: l.outreach.To.Customer()}
	funcs := template.FuncMap{
		"fact": func(src string) (any, error) {
			e, ok := l.wording.fact(factKey{l.playbook.About, src})
			if !ok {
				return nil, fmt.Errorf("fact %q was not checked", src)
			}
			v := e.Value(l.view, l.row, l.at)
			if v.Kind == steward.FlagKind {
				return p.answer(v), nil
			}
			return p.shown(v, e.Percent()), nil
		},
		"percent": func(v any) any {
			return p.as(v, func(v steward.Value) string { return p.tongue.number(percentText(v)) })
		},
		"number": func(v any) any {
			return p.as(v, func(v steward.Value) string { return p.tongue.number(numberText(v)) })
		},
		"money": func(v any) any {
			return p.as(v, func(v steward.Value) string {
				return p.tongue.number(money(v.Num, "")) + afterSpace(fmt.Sprint(p.text(p.currency)))
			})
		},
		"date": func(v any) any { return p.as(v, func(v steward.Value) string { return p.tongue.dateText(v.Day()) }) },
		"days": func(v any) any {
			return p.as(v, func(v steward.Value) string { return p.tongue.daysText(daysText(v)) })
		},
	}
	text, err := render(t, funcs, l.values(p))
	if err != nil {
		return "", err
	}
	return named(text)
}

// values is what a template reads: see valueNames.
func (l letter) values(p printer) map[string]any {
	account := map[string]any{}
	for name := range facts.BuiltinFields(steward.AboutAccount) {
		account[name] = p.field(accountField(l.view, l.row, name))
	}
	for _, f := range l.fields {
		account[f.Name] = p.field(accountField(l.view, l.row, f.Name))
	}
	m := map[string]any{
		"account":  account,
		"owner":    person[theOwner](p, l.owner.Name, l.owner.FirstName(), l.owner.Email),
		"manager":  person[theManager](p, l.manager.Name, l.manager.FirstName(), l.manager.Email),
		"playbook": map[string]any{"name": string(l.playbook.Name), "title": p.text(l.playbook.Title), "why": p.text(l.playbook.Why)},
	}
	if l.playbook.About == steward.AboutContract {
		contract := map[string]any{}
		for name := range facts.BuiltinFields(steward.AboutContract) {
			contract[name] = p.field(l.view.FieldAt(l.row, name, 0))
		}
		m["contract"] = contract
	}
	l.ofSubject(p, m)
	if to := l.outreach.To; to.Customer() {
		contact := person[theContact](p, l.reader.Name, l.reader.FirstName(), to.Email)
		contact["role"] = p.text(l.roleOf(to))
		m["contact"] = contact
	}
	return m
}

// accountField reads an account's own field even in a contract's view, where
// the contract's name would win.
func accountField(view *facts.View, row int, name string) steward.Value {
	accounts := view.Frame().View(steward.AboutAccount)
	at, ok := accounts.Row(string(view.Account(row).ID))
	if !ok {
		return steward.Value{}
	}
	return accounts.FieldAt(at, name, 0)
}

// printer turns values into what a template prints.
type printer struct {
	markdown bool
	currency string
	tongue   tongue
	// mail tells what goes to a customer: there a name that is missing is not
	// nothing.
	mail bool
}

// field gives flags so that `if` can read them, and everything else as text
// that escapes itself.
func (p printer) field(v steward.Value) any {
	if v.Kind == steward.FlagKind {
		return p.answer(v)
	}
	if v.Kind == steward.TextKind {
		return p.text(v.Text)
	}
	return p.shown(v, false)
}

func (p printer) text(s string) any {
	if p.markdown {
		return markdownText(s)
	}
	return lineText(s)
}

// markdownText and lineText are text from the data: they print escaped, and
// compare, and are empty, as what they are.
type (
	markdownText string
	lineText     string
)

func (t markdownText) String() string { return escapeMarkdown(string(t)) }

func (t lineText) String() string { return plainLine(string(t)) }

// answer is a flag in a text. It is a slice because that is what templates
// take for false when it is empty, and print by its String all the same: its
// word lies behind its end.
type answer []string

func (p printer) answer(v steward.Value) answer {
	switch v.Verdict() {
	case steward.Holds:
		return answer{p.tongue.yes}
	case steward.Fails:
		return answer{p.tongue.no}[:0]
	}
	return answer{p.tongue.unknown}[:0]
}

func (a answer) String() string { return a[:1][0] }

// shown is a value on its way into a text: it prints by itself, or through a
// format, as "not known" when it is not.
type shown struct {
	value   steward.Value
	percent bool
	p       printer
}

func (p printer) shown(v steward.Value, percent bool) shown { return shown{v, percent, p} }

func (s shown) String() string {
	if s.value.Known && s.value.Kind == steward.TextKind {
		return fmt.Sprint(s.p.text(s.value.Text))
	}
	return s.p.tongue.describe(s.value, s.percent)
}

func (p printer) as(v any, format func(steward.Value) string) any {
	s, ok := v.(shown)
	if !ok {
		return v
	}
	if !s.value.Known {
		return p.tongue.unknown
	}
	return format(s.value)
}

func percentText(v steward.Value) string {
	return strconv.FormatFloat(math.Round(v.Num*100), 'f', -1, 64) + "%"
}

// numberText has whole numbers from 100 on and one decimal below, and as much
// as it takes to show anything at all of what is smaller than that.
func numberText(v steward.Value) string {
	switch size := math.Abs(v.Num); {
	case size >= 99.95:
		return groupDigits(v.Num, 0)
	case size < 0.05 && size > 0:
		return strconv.FormatFloat(v.Num, 'g', 1, 64)
	}
	return groupDigits(v.Num, 1)
}

func daysText(v steward.Value) string {
	if n := math.Round(v.Num); n != 1 {
		return strconv.FormatFloat(n, 'f', -1, 64) + " days"
	}
	return "1 day"
}

func longDate(d steward.Day) string { return d.Start(time.UTC).Format("2 January 2006") }

// money is a whole amount with its currency: 48,000 EUR, €48,000 being a
// matter of locale that the workspace may differ on.
func money(amount float64, currency string) string {
	s := groupDigits(math.Round(amount), 0)
	if currency != "" {
		s += " " + currency
	}
	return s
}

// groupDigits writes a number with thousands apart and at most some decimals.
func groupDigits(f float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(f), 'f', decimals, 64)
	whole, frac, _ := strings.Cut(s, ".")
	var b strings.Builder
	if f < 0 {
		b.WriteByte('-')
	}
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if frac = strings.TrimRight(frac, "0"); frac != "" {
		b.WriteString("." + frac)
	}
	return b.String()
}

// escapeMarkdown makes data safe inside Markdown: what could be markup, a
// link, a mention or raw HTML reads as the characters it is, and it stays on
// its line.
func escapeMarkdown(s string) string {
	var b strings.Builder
	for _, r := range plainLine(s) {
		if strings.ContainsRune(markedUp, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// markedUp is what means something in Markdown, or may in what is made of it.
const markedUp = "\\`*_{}[]()<>#+-.!|~&:@=$^\"'/%"

// unescapeMarkdown is Markdown as it is read where nothing renders it.
func unescapeMarkdown(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte(markedUp, s[i+1]) >= 0 {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// plainLine is data on one line, without control characters and without those
// that turn the direction of what follows: a name must not reorder a sentence.
func plainLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r == ' ' || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
	}), " ")
}

// ContentHash names content, so that an approval is of exactly what was read.
func ContentHash(c steward.Content) string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("playbooks: content that is all text cannot fail to marshal: " + err.Error())
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:12])
}

// quoted makes Markdown a block quote.
func quoted(md string) string { return "> " + strings.ReplaceAll(md, "\n", "\n> ") }

// NoticeContent is what ops reads about Steward itself.
func NoticeContent(title string, lines []string, footer string) steward.Content {
	var md []string
	for _, l := range lines {
		md = append(md, "- "+escapeMarkdown(l))
	}
	return steward.Content{Title: title, Severity: string(Warning), Parts: []steward.ContentPart{{Markdown: strings.Join(md, "\n")}}, Footer: footer}
}
