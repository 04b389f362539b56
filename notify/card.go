package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"steward"
)

// Slack's limits, in runes. Those of the first group are documented; the size
// of a whole message is not, and has been seen to be refused
// (msg_blocks_too_long) from about 13,200 characters of blocks.
const (
	maxHeader   = 150
	maxFallback = 4000

	maxCard = 12_000 // of the blocks as JSON
)

// cardFit is how much of everything a card shows. The first fit that keeps
// the limits is used: evidence gives way first, then wording, then whole parts.
type cardFit struct {
	evidence int // sentences a part
	sentence int // runes of one
	wording  int // runes a part
	parts    int
	facts    int
	fact     int // runes of a fact's text
}

// cardFits goes from a generous card to one that keeps every limit even where
// each rune takes six characters in JSON. A test holds the last one to that.
func cardFits() []cardFit {
	fit := cardFit{evidence: 10, sentence: 280, wording: 2400, parts: 20, facts: 10, fact: 80}
	fits := []cardFit{fit}
	add := func(change func(*cardFit)) {
		change(&fit)
		fits = append(fits, fit)
	}
	for _, n := range []int{6, 4, 3, 2, 1} {
		add(func(f *cardFit) { f.evidence = n })
	}
	add(func(f *cardFit) { f.sentence = 140 })
	for _, n := range []int{1600, 1000, 600, 400, 250} {
		add(func(f *cardFit) { f.wording = n })
	}
	for _, n := range []int{12, 8, 5, 3, 2, 1} {
		add(func(f *cardFit) { f.parts = n })
	}
	add(func(f *cardFit) { f.sentence, f.wording, f.facts, f.fact = 80, 160, 5, 40 })
	return fits
}

// SlackBlocks lays a message's content out as a card and gives the text that
// notifications and screen readers use in its place, already escaped for
// Slack. All of Slack's limits are kept however long the content is; what had
// to go is counted in a last line that says where to read it.
//
// From top to bottom: a heading with the account and what is the matter; one
// line of facts; for each finding its wording and, as a list, what was seen;
// small print. Only plain_text and rich_text objects are used, never mrkdwn.
func SlackBlocks(c steward.Content) (blocks []slack.Block, fallback string) {
	whole := readCard(c)
	_, blocks = whole.fitted()
	return blocks, whole.fallback()
}

// fitted is the card cut to the first fit that Slack takes, and its blocks.
func (c card) fitted() (cut card, blocks []slack.Block) {
	fits := cardFits()
	for i, fit := range fits {
		cut = c.within(fit)
		blocks = cut.blocks()
		if i == len(fits)-1 || jsonRunes(blocks) <= maxCard {
			break
		}
	}
	return cut, blocks
}

// card is content cleaned and parsed once, for however many fits it takes.
type card struct {
	heading string
	account string
	facts   []steward.LabelledText
	link    string
	parts   []cardPart
	footer  string
	note    string // what within had to leave out
}

type cardPart struct {
	title    string // "" where the heading has said it already
	wording  document
	evidence []string
}

func readCard(c steward.Content) card {
	out := card{heading: cardHeading(c), account: oneLine(c.Account), link: safeURL(c.Link), footer: oneLine(c.Footer)}
	if len(out.link) > 500 { // it would take the room of a finding
		out.link = ""
	}
	for _, f := range c.Facts {
		if t := oneLine(f.Text); t != "" {
			out.facts = append(out.facts, steward.LabelledText{Label: oneLine(f.Label), Text: t})
		}
	}
	for _, p := range c.Parts {
		part := cardPart{title: oneLine(p.Title), wording: parseMarkdown(p.Markdown), evidence: sentences(p.Evidence)}
		if part.title == oneLine(c.Title) {
			part.title = ""
		}
		if part.title != "" || len(part.wording)+len(part.evidence) > 0 {
			out.parts = append(out.parts, part)
		}
	}
	return out
}

func jsonRunes(blocks []slack.Block) int {
	b, err := json.Marshal(blocks)
	if err != nil { // only unsupported Go types can fail, and there are none
		return maxCard + 1
	}
	return utf8.RuneCount(b)
}

// within cuts a card to a fit and notes how much that left out: facts, lines of
// evidence, blocks of wording, parts.
func (c card) within(fit cardFit) card {
	left := 0
	cut := c
	cut.footer = shorten(c.footer, 300)
	cut.facts, cut.parts = nil, nil
	for i, f := range c.facts {
		if i == fit.facts {
			left += len(c.facts) - i
			break
		}
		cut.facts = append(cut.facts, steward.LabelledText{Label: shorten(f.Label, 40), Text: shorten(f.Text, fit.fact)})
	}
	for i, p := range c.parts {
		if i == fit.parts {
			left += len(c.parts) - i
			break
		}
		part, n := p.within(fit)
		cut.parts = append(cut.parts, part)
		left += n
	}
	if left > 0 {
		cut.note = shorten(moreNote(left, c.account), 200)
	}
	return cut
}

func (p cardPart) within(fit cardFit) (cut cardPart, left int) {
	cut.title = shorten(p.title, 150)
	cut.wording, left = p.wording.shortened(fit.wording)
	for i, e := range p.evidence {
		if i == fit.evidence {
			left += len(p.evidence) - i
			break
		}
		cut.evidence = append(cut.evidence, shorten(e, fit.sentence))
	}
	return cut, left
}

func (c card) blocks() []slack.Block {
	out := []slack.Block{slack.NewHeaderBlock(dataText(c.heading))}
	if el := c.factsLine(); el != nil {
		out = append(out, slack.NewRichTextBlock("facts", el))
	}
	for i, p := range c.parts {
		if i > 0 {
			out = append(out, slack.NewDividerBlock())
		}
		out = append(out, slack.NewRichTextBlock(fmt.Sprintf("part-%d", i), p.elements()...))
	}
	var small []slack.MixedElement
	if c.footer != "" {
		small = append(small, dataText(c.footer))
	}
	if c.note != "" {
		small = append(small, dataText(c.note))
	}
	if len(small) > 0 {
		out = append(out, slack.NewContextBlock("small-print", small...))
	}
	return out
}

// dataText is a plain_text object. Emoji is off: ":fire:" in a company's name
// is a name.
func dataText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

// cardHeading is the card's first line. The account comes first since that is what
// a CSM scans a channel for, and a long name gives way to the title.
func cardHeading(c steward.Content) string {
	title, account := oneLine(c.Title), oneLine(c.Account)
	mark := severityMark(c.Severity)
	switch {
	case account == "" && title == "":
		return mark + "A message from Steward"
	case account == "":
		return mark + shorten(title, maxHeader-utf8.RuneCountInString(mark))
	case title == "":
		return mark + shorten(account, maxHeader-utf8.RuneCountInString(mark))
	}
	title = shorten(title, 90)
	room := maxHeader - utf8.RuneCountInString(mark+" — "+title)
	return mark + shorten(account, room) + " — " + title
}

// severityMark is colour used sparingly: most cards have none, so that the two
// that do stand out.
func severityMark(severity string) string {
	switch severity {
	case "critical":
		return "🔴 "
	case "warning":
		return "🟠 "
	}
	return ""
}

// factsLine is "ARR 48k €  ·  Renews in 61 days  ·  Owner Dana Reyes", the
// values in bold so that the eye can skip the labels.
func (c card) factsLine() *slack.RichTextSection {
	var spans []span
	gap := func() {
		if len(spans) > 0 {
			spans = append(spans, span{text: "   ·   "})
		}
	}
	for _, f := range c.facts {
		gap()
		if f.Label != "" {
			spans = append(spans, span{text: f.Label + " "})
		}
		spans = append(spans, span{text: f.Text, bold: true})
	}
	if c.link != "" {
		gap()
		spans = append(spans, span{text: "Open in CRM", link: c.link})
	}
	return section(spans)
}

// elements is the part as Slack shows it: what was seen, then what to do about
// it, as a person would tell it.
func (p cardPart) elements() []slack.RichTextElement {
	var els []slack.RichTextElement
	if p.title != "" {
		els = document{{kind: heading, spans: []span{{text: p.title}}}}.richText()
	}
	var items []slack.RichTextElement
	for _, e := range p.evidence {
		items = append(items, section([]span{{text: e}}))
	}
	if len(items) > 0 {
		els = append(els, slack.NewRichTextList(slack.RTEListBullet, 0, items...))
	}
	return append(els, p.wording.richText()...)
}

// sentences is the evidence that says something.
func sentences(in []string) []string {
	var out []string
	for _, e := range in {
		if e = oneLine(e); e != "" {
			out = append(out, e)
		}
	}
	return out
}

// moreNote says how much was left out, and the command that shows it.
func moreNote(left int, account string) string {
	account = oneLine(account)
	if account == "" {
		return fmt.Sprintf("… (%d more)", left)
	}
	return fmt.Sprintf("… (%d more; steward explain %s)", left, shellWord(shorten(account, 120)))
}

// shellWord quotes a name for a POSIX shell where it needs it.
func shellWord(s string) string {
	if strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// lines is the card as lines of plain text, without any limit.
func (c card) lines() []string {
	lines := []string{c.heading}
	if len(c.facts) > 0 {
		var facts []string
		for _, f := range c.facts {
			facts = append(facts, strings.TrimSpace(f.Label+" "+f.Text))
		}
		lines = append(lines, strings.Join(facts, " · "))
	}
	for _, p := range c.parts {
		if p.title != "" {
			lines = append(lines, p.title)
		}
		for _, e := range p.evidence {
			lines = append(lines, "• "+e)
		}
		if words := p.wording.plain(); words != "" {
			lines = append(lines, strings.Split(words, "\n")...)
		}
	}
	if c.footer != "" {
		lines = append(lines, c.footer)
	}
	return lines
}

// fallback is the card in one escaped text of at most maxFallback runes.
func (c card) fallback() string {
	const room = maxFallback - 6*200 // the note may grow by escaping
	var sb strings.Builder
	used := 0
	lines := c.lines()
	for i, l := range lines {
		escaped := slackutilsx.EscapeMessage(l)
		n := utf8.RuneCountInString(escaped) + 1
		if used+n > room {
			sb.WriteString("\n" + slackutilsx.EscapeMessage(moreNote(len(lines)-i, c.account)))
			break
		}
		if i > 0 {
			sb.WriteString("\n")
		}
		sb.WriteString(escaped)
		used += n
	}
	return sb.String()
}
