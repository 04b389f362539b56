package notify

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"steward"
)

// A digest tells in a few lines each what would have been cards: by account, one
// line or two an item, with a menu of what can be done with it; and as lists under
// headings what else there is, a line each. It is read over a coffee;
// whoever wants the whole of an item opens the account.
type digest struct {
	heading  string
	marks    []string
	facts    []steward.LabelledText
	links    []cardLink
	accounts []digestAccount
	buttons  []steward.Button
	footer   string
	note     string // what within had to leave out
}

type digestAccount struct {
	id, name string
	list     bool // no account, but the heading of a list
	facts    []steward.LabelledText
	links    []cardLink
	items    []digestItem
}

type digestItem struct {
	title, why string
	evidence   []string
	words      string // of an item that no finding stands behind
	marks      []string
	menu       []steward.Button
}

func readDigest(l steward.Letter) digest {
	c, f := l.Content, l.Face
	out := digest{heading: cardHeading(c), marks: sentences(f.Marks), facts: readFacts(c.Facts), links: cardLinks(c.Link, c.Page), footer: oneLine(c.Footer)}
	if f.Over != "" {
		out.marks = append(sentences([]string{f.Over}), out.marks...)
	} else {
		out.buttons = f.Buttons
	}
	for i, p := range c.Parts {
		item := digestItem{title: severityMark(p.Severity) + oneLine(p.Title), why: oneLine(p.Why), evidence: sentences(p.Evidence)}
		if len(item.evidence) == 0 {
			item.words = oneLine(strings.ReplaceAll(parseMarkdown(p.Markdown).plain(), "\n", " "))
		}
		if i < len(f.Parts) {
			item.marks = sentences(f.Parts[i].Marks)
			if f.Over == "" {
				item.menu = f.Parts[i].Buttons
			}
		}
		if item.title == "" && len(item.evidence) == 0 && item.words == "" {
			continue
		}
		id := string(p.AccountID)
		if id == "" {
			id = oneLine(p.Account)
		}
		if n := len(out.accounts); n == 0 || out.accounts[n-1].id != id {
			out.accounts = append(out.accounts, digestAccount{id: id, name: oneLine(p.Account), list: p.AccountID == "", facts: shortFacts(readFacts(p.Facts)), links: cardLinks(p.Link, p.Page)})
		}
		a := &out.accounts[len(out.accounts)-1]
		a.items = append(a.items, item)
	}
	return out
}

// shortFacts leaves out the facts that are sentences: an account has one line.
func shortFacts(facts []steward.LabelledText) []steward.LabelledText {
	return slices.DeleteFunc(facts, func(f steward.LabelledText) bool { return utf8.RuneCountInString(f.Text) > longFact })
}

// digestFit is how much of everything a digest shows. Menus go before lines do:
// what has none any more is still told, and is a click away on its account's
// page.
type digestFit struct {
	sentence, evidence int
	facts              int
	menus              int
	items              int
	title, links       int
}

func digestFits() []digestFit {
	fit := digestFit{sentence: 200, evidence: 3, facts: 4, menus: 40, items: 40, title: 100, links: 2}
	fits := []digestFit{fit}
	add := func(change func(*digestFit)) {
		change(&fit)
		fits = append(fits, fit)
	}
	add(func(f *digestFit) { f.evidence = 1 })
	add(func(f *digestFit) { f.sentence = 120 })
	for _, n := range []int{15, 10, 8, 6, 4, 2, 0} {
		add(func(f *digestFit) { f.menus = n })
	}
	add(func(f *digestFit) { f.facts = 2 })
	for _, n := range []int{30, 20, 15, 10, 6, 3} {
		add(func(f *digestFit) { f.items = n })
	}
	add(func(f *digestFit) { f.sentence, f.facts, f.title, f.links = 60, 1, 40, 0 })
	return fits
}

func (d digest) fitted() (cut digest, blocks []slack.Block) {
	fits := digestFits()
	for i, fit := range fits {
		cut = d.within(fit)
		blocks = cut.blocks()
		if i == len(fits)-1 || len(blocks) <= maxBlocks && jsonRunes(blocks) <= maxCard {
			break
		}
	}
	return cut, blocks
}

func (d digest) within(fit digestFit) digest {
	cut := d
	cut.footer, cut.marks, cut.accounts = shorten(d.footer, 200), shortAll(d.marks, fit.facts, fit.title), nil
	cut.links = d.links[:min(fit.links, len(d.links))]
	cut.facts = cutFacts(d.facts, 2*fit.facts, fit.sentence)
	if fit.items < 10 { // the last resort: what is left is lines
		cut.buttons = nil
	}
	items, menus, left := fit.items, fit.menus, 0
	for _, a := range d.accounts {
		account := digestAccount{id: a.id, name: shorten(a.name, fit.title), list: a.list, facts: cutFacts(a.facts, fit.facts, 60), links: a.links[:min(fit.links, len(a.links))]}
		for _, item := range a.items {
			if items--; items < 0 {
				left++
				continue
			}
			if menus--; menus < 0 {
				item.menu = nil
			}
			account.items = append(account.items, item.within(fit))
		}
		if len(account.items) > 0 {
			cut.accounts = append(cut.accounts, account)
		}
	}
	if left > 0 {
		cut.note = fmt.Sprintf("… and %d more; open the page to see them all", left)
	}
	return cut
}

func (i digestItem) within(fit digestFit) digestItem {
	i.title, i.why, i.words = shorten(i.title, fit.title), shorten(i.why, fit.title), shorten(i.words, fit.sentence)
	i.evidence, i.marks = shortAll(i.evidence, fit.evidence, fit.sentence), shortAll(i.marks, fit.facts, fit.title)
	return i
}

func cutFacts(facts []steward.LabelledText, n, runes int) (out []steward.LabelledText) {
	for _, f := range facts[:min(n, len(facts))] {
		out = append(out, steward.LabelledText{Label: shorten(f.Label, 30), Text: shorten(f.Text, runes)})
	}
	return out
}

func (d digest) blocks() []slack.Block {
	out := []slack.Block{slack.NewHeaderBlock(dataText(d.heading))}
	out = appendMarks(out, "marks", d.marks)
	if els := factLines(d.facts, d.links); len(els) > 0 {
		out = append(out, slack.NewRichTextBlock("facts", els...))
	}
	n := 0
	for i, a := range d.accounts {
		if list := a.listed(); len(list) > 0 {
			out = append(out, slack.NewRichTextBlock(fmt.Sprintf("account-%d", i), list.richText()...))
			n += len(a.items)
			continue
		}
		if el := a.line(); el != nil {
			out = append(out, slack.NewRichTextBlock(fmt.Sprintf("account-%d", i), el))
		}
		for _, item := range a.items {
			out = append(out, item.block(n))
			n++
		}
	}
	out = appendActions(out, "do", d.buttons)
	return appendSmall(out, d.footer, d.note)
}

// line is an account's own: its name, what a CSM wants to know first, and the
// ways to it.
func (a digestAccount) line() *slack.RichTextSection {
	if a.name == "" {
		return nil
	}
	to, others := a.way()
	spans := []span{{text: a.name, bold: true, link: to}}
	for _, f := range a.facts {
		spans = append(spans, span{text: "   ·   " + strings.TrimSpace(f.Label+" "+f.Text)})
	}
	return section(append(spans, linkSpans(others)...))
}

// way is where an account's name leads, to its page rather than elsewhere, and
// the other links: with all of them written out an account had two lines.
func (a digestAccount) way() (to string, others []cardLink) {
	n := len(a.links)
	if n == 0 {
		return "", nil
	}
	for _, l := range a.links[:n-1] {
		others = append(others, cardLink{"CRM", l.url})
	}
	return a.links[n-1].url, others
}

// listed is a list of what is about no one account, a line an item, under its
// heading; nil where items have menus, which stand in blocks of their own.
func (a digestAccount) listed() document {
	if !a.list || a.name == "" || slices.ContainsFunc(a.items, func(i digestItem) bool { return len(i.menu)+len(i.marks) > 0 }) {
		return nil
	}
	lines := block{kind: list}
	for _, i := range a.items {
		words := strings.Split(i.text(), "\n")
		spans := []span{{text: words[0], bold: len(words) > 1}}
		for _, w := range words[1:] {
			spans = append(spans, span{text: " · " + w})
		}
		lines.items = append(lines.items, document{{kind: paragraph, spans: spans}})
	}
	return document{{kind: heading, level: 3, spans: []span{{text: a.name}}}, lines}
}

// block is an item with its menu beside it. Its text is plain: a section takes
// that or mrkdwn, and in that a name could be a link.
func (i digestItem) block(n int) slack.Block {
	b := slack.NewSectionBlock(dataText(shorten(i.text(), maxSectionText)), nil, nil)
	if menu := i.dots(); menu != nil {
		b.Accessory = slack.NewAccessory(menu)
	}
	b.BlockID = fmt.Sprintf("item-%d-%s", n, fingerprint(b))
	return b
}

func (i digestItem) text() string {
	head := i.title
	if i.why != "" {
		head = strings.TrimPrefix(head+" · "+i.why, " · ")
	}
	lines := []string{head}
	for _, e := range append(i.evidence, i.words) {
		if e != "" {
			lines = append(lines, e)
		}
	}
	for _, m := range i.marks {
		lines = append(lines, "› "+m)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// dots is what can be done with an item as one menu, in which one target stands
// for all: a button that is about another matter has no place in it, nor one that
// asks first, since a menu asks before each of its options or none.
func (i digestItem) dots() slack.BlockElement {
	var same []steward.Button
	var about steward.Target
	for _, b := range i.menu {
		t := b.Target
		t.Verb, t.Task = "", ""
		if b.Link != "" || b.Confirm != "" {
			continue
		}
		if was := about; len(same) == 0 {
			about = t
		} else if was.Task = ""; t != was {
			continue
		}
		same = append(same, b)
		if b.Target.Task != "" {
			about.Task = b.Target.Task // what is done is the task
		}
	}
	if len(same) == 0 {
		return nil
	}
	about.Verb = same[0].Target.Verb
	id := pickID(0, about)
	opts := options(same, true, maxOptions)
	switch {
	case id == "" || len(opts) == 0:
		return nil
	case len(opts) <= maxDots:
		return slack.NewOverflowBlockElement(id, opts...)
	}
	return &slack.SelectBlockElement{Type: slack.OptTypeStatic, Placeholder: dataText("What to do"), ActionID: id, Options: opts}
}

func (d digest) lines() []string {
	lines := append([]string{d.heading}, d.marks...)
	if len(d.facts) > 0 {
		lines = append(lines, factsText(d.facts))
	}
	for _, a := range d.accounts {
		if a.name != "" {
			lines = append(lines, strings.TrimSpace(a.name+"  "+factsText(a.facts)))
		}
		for _, i := range a.items {
			for n, l := range strings.Split(i.text(), "\n") {
				if n == 0 {
					l = "• " + l
				}
				lines = append(lines, l)
			}
		}
	}
	if d.footer != "" {
		lines = append(lines, d.footer)
	}
	return lines
}

func (d digest) fallback() string {
	text := fallbackText(d.lines(), "")
	if utf8.RuneCountInString(text) == 0 {
		return "A digest"
	}
	return text
}
