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

	maxCard   = 12_000 // of the blocks as JSON
	maxBlocks = 50
)

// cardFit is how much of everything a card shows. The first fit that keeps
// the limits is used: evidence gives way first, then wording, then pictures,
// then whole parts, and what can be done with them last.
type cardFit struct {
	evidence int // sentences a part
	sentence int // runes of one
	wording  int // runes a part
	parts    int
	pictures int
	buttons  int // elements a part, and of the card
	facts    int
	fact     int // runes of a fact's text
	marks    int // lines
	mark     int // runes of one
	links    int
}

// cardFits goes from a generous card to one that keeps every limit even where
// each rune takes six characters in JSON. A test holds the last one to that.
func cardFits() []cardFit {
	// An approval is of every word of the mail, so that wording has room for a long
	// one.
	fit := cardFit{evidence: 10, sentence: 280, wording: 9000, parts: 20, pictures: 3, buttons: maxElements, facts: 12, fact: 160, marks: 5, mark: 200, links: 2}
	fits := []cardFit{fit}
	add := func(change func(*cardFit)) {
		change(&fit)
		fits = append(fits, fit)
	}
	for _, n := range []int{6, 4, 3, 2, 1} {
		add(func(f *cardFit) { f.evidence = n })
	}
	add(func(f *cardFit) { f.sentence = 140 })
	for _, n := range []int{6000, 4000, 2400, 1600, 1000, 600} {
		add(func(f *cardFit) { f.wording = n })
	}
	add(func(f *cardFit) { f.pictures = 1 })
	for _, n := range []int{400, 250} {
		add(func(f *cardFit) { f.wording = n })
	}
	add(func(f *cardFit) { f.pictures = 0 })
	for _, n := range []int{12, 8, 5, 3, 2, 1} {
		add(func(f *cardFit) { f.parts = n })
	}
	add(func(f *cardFit) {
		f.sentence, f.wording, f.facts, f.fact, f.buttons, f.marks, f.mark, f.links = 80, 160, 5, 40, 0, 1, 80, 0
	})
	return fits
}

// SlackBlocks lays a message's content out as a card and gives the text that
// notifications and screen readers use in its place, already escaped for
// Slack. All of Slack's limits are kept however long the content is; what had
// to go is counted in a last line that says where to read it.
//
// From top to bottom: a heading with the account and what is the matter; what has
// become of it; a line of facts; for each finding what was seen, its wording, a
// picture, a line to say and what can be done with it; small print. What came
// from elsewhere stands in plain_text and rich_text objects only, never in mrkdwn.
func SlackBlocks(l steward.Letter) (blocks []slack.Block, fallback string) {
	return layOut(l, drawing{})
}

// layOut is SlackBlocks with pictures drawn in one of several ways.
func layOut(l steward.Letter, d drawing) (blocks []slack.Block, fallback string) {
	if l.Message.Kind == steward.Digest {
		whole := readDigest(l)
		_, blocks = whole.fitted()
		return blocks, whole.fallback()
	}
	whole := readCard(l.Content, l.Face)
	_, blocks = whole.fitted(d)
	return blocks, whole.fallback()
}

// fitted is the card cut to the first fit that Slack takes, and its blocks.
func (c card) fitted(d drawing) (cut card, blocks []slack.Block) {
	fits := cardFits()
	for i, fit := range fits {
		cut = c.within(fit)
		blocks = cut.blocks(d)
		if i == len(fits)-1 || len(blocks) <= maxBlocks && jsonRunes(blocks) <= maxCard {
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
	links   []cardLink
	parts   []cardPart
	footer  string
	note    string // what within had to leave out
	// over says that the matter is over and how, marks what has become of it, and
	// buttons is what can be done with all of it.
	over    string
	marks   []string
	buttons []steward.Button
}

type cardPart struct {
	title    string // "" where the heading has said it already
	wording  document
	evidence []string
	picture  *steward.Picture
	say      string
	marks    []string
	buttons  []steward.Button
}

type cardLink struct{ text, url string }

// cardLinks are the ways from a card to where more is to be seen. One that is
// very long would take the room of a finding, and is left out.
func cardLinks(crm, page string) (out []cardLink) {
	for _, l := range []cardLink{{"Open in CRM", safeURL(crm)}, {"Account page", safeURL(page)}} {
		if l.url != "" && len(l.url) <= 500 {
			out = append(out, l)
		}
	}
	return out
}

func readCard(c steward.Content, f steward.Face) card {
	out := card{heading: cardHeading(c), account: oneLine(c.Account), links: cardLinks(c.Link, c.Page), footer: oneLine(c.Footer),
		facts: readFacts(c.Facts), over: oneLine(f.Over), marks: sentences(f.Marks)}
	if canBePressed(f) {
		out.footer = "" // it says by which command to do what the buttons do
	}
	if out.over == "" {
		out.buttons = f.Buttons
	} else {
		out.heading = "✓ " + shorten(strings.TrimPrefix(out.heading, severityMark(c.Severity)), maxHeader-2)
	}
	for i, p := range c.Parts {
		part := cardPart{title: oneLine(p.Title), wording: parseMarkdown(p.Markdown), evidence: sentences(p.Evidence), picture: readPicture(p.Picture), say: oneLine(p.Say)}
		if i < len(f.Parts) {
			part.marks = sentences(f.Parts[i].Marks)
			if out.over == "" {
				part.buttons = f.Parts[i].Buttons
			}
		}
		if out.over != "" { // what to do about it is of no use any more
			part.wording, part.picture, part.say = nil, nil, ""
		}
		if part.title == oneLine(c.Title) {
			part.title = ""
		}
		if part.title != "" || len(part.wording)+len(part.evidence)+len(part.buttons) > 0 || part.picture != nil {
			out.parts = append(out.parts, part)
		}
	}
	return out
}

func readFacts(in []steward.LabelledText) (out []steward.LabelledText) {
	for _, f := range in {
		if t := oneLine(f.Text); t != "" {
			out = append(out, steward.LabelledText{Label: oneLine(f.Label), Text: t})
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
	cut.over, cut.marks = shorten(c.over, fit.mark+100), shortAll(c.marks, fit.marks, fit.mark)
	cut.links = c.links[:min(fit.links, len(c.links))]
	cut.buttons = c.buttons[:min(fit.buttons, len(c.buttons))]
	cut.facts, cut.parts = nil, nil
	pictures := fit.pictures
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
		if part.picture != nil {
			if pictures--; pictures < 0 {
				part.picture = nil
			}
		}
		cut.parts = append(cut.parts, part)
		left += n
	}
	if left > 0 {
		cut.note = shorten(moreNote(left, c.account), 200)
	}
	return cut
}

func (p cardPart) within(fit cardFit) (cut cardPart, left int) {
	cut = cardPart{title: shorten(p.title, 150), picture: p.picture, say: shorten(p.say, 2*fit.sentence), marks: shortAll(p.marks, fit.marks, fit.mark),
		buttons: p.buttons[:min(fit.buttons, len(p.buttons))]}
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

func (c card) blocks(d drawing) []slack.Block {
	out := []slack.Block{slack.NewHeaderBlock(dataText(c.heading))}
	if c.over != "" {
		return c.greyed(out)
	}
	out = appendMarks(out, "marks", c.marks)
	if els := factLines(c.facts, c.links); len(els) > 0 {
		out = append(out, slack.NewRichTextBlock("facts", els...))
	}
	for i, p := range c.parts {
		if i > 0 {
			out = append(out, slack.NewDividerBlock())
		}
		out = p.blocks(out, i, d)
	}
	if len(c.parts) > 1 && len(c.buttons) > 0 { // they are of the whole, and not of the last part
		out = append(out, slack.NewDividerBlock())
	}
	out = appendActions(out, "do", c.buttons)
	return appendSmall(out, c.footer, c.note)
}

// greyed is a card whose matter is over: how it ended, and what it was about in
// Slack's small grey print.
func (c card) greyed(out []slack.Block) []slack.Block {
	out = append(out, slack.NewRichTextBlock("over", section(append([]span{{text: c.over, bold: true}}, linkSpans(c.links)...))))
	out = appendMarks(out, "marks", c.marks)
	for i, p := range c.parts {
		var lines []string
		if p.title != "" {
			lines = append(lines, p.title)
		}
		out = appendMarks(out, fmt.Sprintf("part-%d", i), append(append(lines, p.marks...), p.evidence...))
	}
	return appendSmall(out, c.note)
}

// blocks is the part as Slack shows it: what was seen and what to do about it,
// as a person would tell it, then what there is to see, to say and to press.
func (p cardPart) blocks(out []slack.Block, i int, d drawing) []slack.Block {
	if els := p.elements(); len(els) > 0 {
		out = append(out, slack.NewRichTextBlock(fmt.Sprintf("part-%d", i), els...))
	}
	if p.picture != nil {
		out = append(out, d.block(fmt.Sprintf("picture-%d", i), p.picture))
	}
	if p.say != "" {
		out = append(out, slack.NewRichTextBlock(fmt.Sprintf("say-%d", i), &slack.RichTextQuote{Type: slack.RTEQuote,
			Elements: elements([]span{{text: "Say: ", bold: true}, {text: p.say, italic: true}})}))
	}
	out = appendMarks(out, fmt.Sprintf("marks-%d", i), p.marks)
	return appendActions(out, fmt.Sprintf("do-%d", i), p.buttons)
}

// appendMarks adds short lines in small print, on one line as far as that goes.
func appendMarks(out []slack.Block, id string, marks []string) []slack.Block {
	if len(marks) == 0 {
		return out
	}
	return append(out, slack.NewContextBlock(id, dataText(shorten(strings.Join(marks, "  ·  "), 2000))))
}

func appendSmall(out []slack.Block, lines ...string) []slack.Block {
	var small []slack.MixedElement
	for _, l := range lines {
		if l != "" {
			small = append(small, dataText(l))
		}
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
	case account == "" || account == title:
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

// longFact is from how many runes on a fact has a line of its own.
const longFact = 40

// factLines is "ARR 48k €  ·  Renews in 61 days  ·  Owner Dana Reyes", the
// values in bold so that the eye can skip the labels, and under it the facts that
// are sentences, such as whom to talk to.
func factLines(facts []steward.LabelledText, links []cardLink) []slack.RichTextElement {
	var line, long []span
	for _, f := range facts {
		into, gap, sentence := &line, "   ·   ", utf8.RuneCountInString(f.Text) > longFact
		if sentence { // in bold is its label, and not the whole of it
			into, gap = &long, "\n"
		}
		if len(*into) > 0 {
			*into = append(*into, span{text: gap})
		}
		if f.Label != "" {
			*into = append(*into, span{text: f.Label + " ", bold: sentence})
		}
		*into = append(*into, span{text: f.Text, bold: !sentence})
	}
	if more := linkSpans(links); len(line) == 0 && len(more) > 0 {
		line = more[1:] // without the gap
	} else {
		line = append(line, more...)
	}
	if len(long) > 0 && len(line) > 0 {
		line = append(line, span{text: "\n"})
	}
	if el := section(append(line, long...)); el != nil {
		return []slack.RichTextElement{el}
	}
	return nil
}

// linkSpans are the links, each after a gap.
func linkSpans(links []cardLink) (out []span) {
	for _, l := range links {
		out = append(out, span{text: "   ·   "}, span{text: l.text, link: l.url})
	}
	return out
}

// elements is what was seen, then what to do about it.
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

// shortAll is at most n lines of at most so many runes.
func shortAll(lines []string, n, runes int) (out []string) {
	for _, l := range lines[:min(n, len(lines))] {
		out = append(out, shorten(l, runes))
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
	if c.over != "" {
		lines = append(lines, c.over)
	}
	lines = append(lines, c.marks...)
	if len(c.facts) > 0 && c.over == "" {
		lines = append(lines, factsText(c.facts))
	}
	for _, p := range c.parts {
		if p.title != "" {
			lines = append(lines, p.title)
		}
		lines = append(lines, p.marks...)
		for _, e := range p.evidence {
			lines = append(lines, "• "+e)
		}
		if words := p.wording.plain(); words != "" {
			lines = append(lines, strings.Split(words, "\n")...)
		}
		if p.picture != nil {
			lines = append(lines, p.picture.Alt)
		}
		if p.say != "" {
			lines = append(lines, "Say: "+p.say)
		}
	}
	if c.footer != "" && c.over == "" {
		lines = append(lines, c.footer)
	}
	return lines
}

func factsText(facts []steward.LabelledText) string {
	var out []string
	for _, f := range facts {
		out = append(out, strings.TrimSpace(f.Label+" "+f.Text))
	}
	return strings.Join(out, " · ")
}

// fallback is the card in one escaped text.
func (c card) fallback() string { return fallbackText(c.lines(), c.account) }

// fallbackText is lines as one escaped text of at most maxFallback runes.
func fallbackText(lines []string, account string) string {
	const room = maxFallback - 6*200 // the note may grow by escaping
	var sb strings.Builder
	used := 0
	for i, l := range lines {
		escaped := slackutilsx.EscapeMessage(l)
		n := utf8.RuneCountInString(escaped) + 1
		if used+n > room {
			sb.WriteString("\n" + slackutilsx.EscapeMessage(moreNote(len(lines)-i, account)))
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
