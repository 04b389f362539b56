package notify

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"steward"
)

// writePage draws the preview's page: one file, no script, nothing fetched. It
// filters by owner with :target rules, one each, so that a filter is a link.
func writePage(w io.Writer, entries []previewEntry, more int) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, newPage(entries, more))
}

type page struct {
	Owners []pageOwner
	Days   []pageDay
	Count  int
	More   int
	Style  template.CSS
}

type pageOwner struct {
	Name  string
	Ref   string // the anchor and class
	Count int
}

type pageDay struct {
	Day     string   // 2026-03-14
	Words   string   // Saturday 14 March 2026
	Refs    []string // of whoever has something on it
	Entries []pageEntry
}

type pageEntry struct {
	ID, Ref, File, Account, Time string
	Card                         *pageCard
	Digest                       *pageDigest
	Mail                         *pageMail
}

// pageCard is a card as Slack would show it.
type pageCard struct {
	Channel, Heading, Severity, Over string
	Marks                            []string
	Facts, Long                      []steward.LabelledText
	Links                            []pageLink
	Parts                            []pagePart
	Buttons                          []pageButton
	Footer, Note                     string
	Thread, Changed                  bool
	More                             bool // than one part
}

type pagePart struct {
	Title    string
	Wording  template.HTML
	Evidence []string
	Picture  template.HTML
	Say      string
	Marks    []string
	Buttons  []pageButton
}

type pageLink struct{ Text, URL string }

type pageButton struct {
	Label, Style string
	Menu         bool
	Options      []string
}

// pageDigest is a digest as Slack would show it.
type pageDigest struct {
	pageCard
	Accounts []pageAccount
}

type pageAccount struct {
	Name  string
	To    string // where the name leads
	Facts []steward.LabelledText
	Links []pageLink
	List  template.HTML // in place of all else
	Items []pageItem
}

type pageItem struct {
	Title, Severity string
	Lines           []string
	Menu            bool
}

type pageMail struct {
	From, To, Subject, ReplyTo string
	Body                       template.HTML
}

func newPage(entries []previewEntry, more int) page {
	refs := map[string]int{} // owner → index in p.Owners
	p := page{Count: len(entries), More: more}
	// By day first: messages that were deferred are sent among those of later days.
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b previewEntry) int { return strings.Compare(b.Day, a.Day) })
	for _, e := range entries {
		name := e.ownerOf()
		i, ok := refs[name]
		if !ok {
			i = len(p.Owners)
			refs[name] = i
			p.Owners = append(p.Owners, pageOwner{Name: name, Ref: fmt.Sprintf("o%d", i)})
		}
		p.Owners[i].Count++
		if k := len(p.Days) - 1; k < 0 || p.Days[k].Day != e.Day {
			p.Days = append(p.Days, pageDay{Day: e.Day, Words: e.At.Format("Monday 2 January 2006")})
		}
		d := &p.Days[len(p.Days)-1]
		d.Entries = append(d.Entries, newPageEntry(e, p.Owners[i].Ref))
		if ref := p.Owners[i].Ref; !slices.Contains(d.Refs, ref) {
			d.Refs = append(d.Refs, ref)
		}
	}
	var css strings.Builder
	for _, o := range p.Owners { // Ref is ours, never a name
		fmt.Fprintf(&css, "#%[1]s:target~main :is(section,article):not(.%[1]s){display:none}#%[1]s:target~header a[href=\"#%[1]s\"]{background:#1d1c1d;color:#fff}\n", o.Ref)
	}
	p.Style = template.CSS(css.String())
	sort.SliceStable(p.Owners, func(i, j int) bool { return p.Owners[i].Name < p.Owners[j].Name })
	return p
}

func newPageEntry(e previewEntry, ref string) pageEntry {
	out := pageEntry{ID: fileName(e.ID), Ref: ref, File: e.File, Account: oneLine(string(e.Account)), Time: e.At.Format("15:04") + " UTC"}
	c := e.Content
	if e.Channel == steward.Email {
		to := oneLine(e.To.Name + " <" + e.To.Email + ">")
		body := mailBody{content: c}
		if e.To.Customer() { // the real link would be one that works
			body.unsubscribe = "#unsubscribe"
		}
		out.Mail = &pageMail{From: oneLine(e.From), To: to, Subject: oneLine(c.Title), ReplyTo: oneLine(c.ReplyTo),
			Body: template.HTML(body.fragment())} // every text in it is escaped by mailBody
		return out
	}
	where := oneLine(e.To.Slack)
	switch {
	case e.Channel == steward.Webhook:
		where = "Webhook " + oneLine(e.To.Webhook)
	case !strings.HasPrefix(where, "#"):
		where = "Direct message to " + meantFor(steward.Message{To: e.To})
	}
	l := steward.Letter{Message: steward.Message{Kind: e.Kind}, Content: c, Face: e.Face}
	card := pageCard{Channel: where, Thread: e.Thread != "", Changed: e.Changed}
	if e.Kind == steward.Digest {
		out.Digest = newPageDigest(card, l)
	} else {
		out.Card = newPageCard(card, l)
	}
	return out
}

// newPageCard is the card as Slack shows it: cut where the real one is.
func newPageCard(card pageCard, l steward.Letter) *pageCard {
	cut, _ := readCard(l.Content, l.Face).fitted(drawing{})
	card.Over, card.Marks, card.Footer, card.Note = cut.over, cut.marks, cut.footer, cut.note
	card.Heading, card.Severity = pageHeading(cut.heading)
	card.Links, card.Buttons = pageLinks(cut.links), pageButtons(cut.buttons)
	if cut.over == "" {
		card.Facts, card.Long = pageFacts(cut.facts)
	} else {
		card.Footer = ""
	}
	for _, part := range cut.parts {
		pp := pagePart{Title: part.title, Wording: template.HTML(part.wording.html()), Evidence: part.evidence, Say: part.say, Marks: part.marks, Buttons: pageButtons(part.buttons)}
		if part.picture != nil {
			pp.Picture = template.HTML(pictureSVG(part.picture)) // every text in it is escaped there
		}
		card.Parts = append(card.Parts, pp)
	}
	card.More = len(card.Parts) > 1
	return &card
}

func newPageDigest(card pageCard, l steward.Letter) *pageDigest {
	cut, _ := readDigest(l).fitted()
	out := &pageDigest{pageCard: card}
	out.Marks, out.Footer, out.Note = cut.marks, cut.footer, cut.note
	out.Heading, out.Severity = pageHeading(cut.heading)
	out.Facts, out.Long = pageFacts(cut.facts)
	out.Links, out.Buttons = pageLinks(cut.links), pageButtons(cut.buttons)
	for _, a := range cut.accounts {
		if list := a.listed(); len(list) > 0 {
			out.Accounts = append(out.Accounts, pageAccount{List: template.HTML(list.html())}) // which escapes every text in it
			continue
		}
		to, others := a.way()
		account := pageAccount{Name: a.name, To: to, Facts: a.facts, Links: pageLinks(others)}
		for _, i := range a.items {
			lines := strings.Split(i.text(), "\n")
			item := pageItem{Lines: lines[1:], Menu: i.dots() != nil}
			item.Title, item.Severity = pageHeading(lines[0])
			account.Items = append(account.Items, item)
		}
		out.Accounts = append(out.Accounts, account)
	}
	return out
}

// pageHeading is a heading without its mark, and what the mark says: the page has
// a dot of its own, as not every machine has a font with emoji.
func pageHeading(heading string) (text, severity string) {
	for _, severity := range []string{"critical", "warning"} {
		if rest, ok := strings.CutPrefix(heading, severityMark(severity)); ok {
			return rest, severity
		}
	}
	return heading, ""
}

// pageFacts are the facts on one line, and those with a line each.
func pageFacts(facts []steward.LabelledText) (short, long []steward.LabelledText) {
	for _, f := range facts {
		if utf8.RuneCountInString(f.Text) > longFact {
			long = append(long, f)
		} else {
			short = append(short, f)
		}
	}
	return short, long
}

func pageLinks(links []cardLink) (out []pageLink) {
	for _, l := range links {
		out = append(out, pageLink{l.text, l.url})
	}
	return out
}

// pageButtons are the buttons that Slack would have; what has no room in it is
// left out there, too.
func pageButtons(buttons []steward.Button) (out []pageButton) {
	for i, b := range buttons {
		if element(i, b) == nil {
			continue
		}
		button := pageButton{Label: shorten(oneLine(b.Label), maxButtonLabel), Style: b.Style, Menu: len(b.Options) > 0}
		for _, o := range b.Options {
			button.Options = append(button.Options, oneLine(o.Label))
		}
		out = append(out, button)
	}
	return out
}

const pageTemplate = `{{define "marks"}}{{if .}}<p class="marks">{{range $i, $m := .}}{{if $i}}  ·  {{end}}<bdi>{{$m}}</bdi>{{end}}</p>{{end}}{{end -}}
{{define "buttons"}}{{if .}}<p class="buttons">{{range .}}<span class="{{.Style}}{{if .Menu}} menu{{end}}"{{if .Options}} title="{{range $i, $o := .Options}}{{if $i}}, {{end}}{{$o}}{{end}}"{{end}}>{{.Label}}</span>{{end}}</p>{{end}}{{end -}}
{{define "head"}}<div class="bot">S</div><div class="who">Steward<span>APP</span></div>
<h3>{{with .Severity}}<i class="dot {{.}}"></i>{{end}}{{.Heading}}</h3>
{{with .Over}}<p class="ended">{{.}}</p>{{end}}{{template "marks" .Marks}}{{if .Facts}}<p class="facts">{{range .Facts}}<span>{{.Label}} <b><bdi>{{.Text}}</bdi></b></span>{{end}}</p>{{end}}
{{range .Long}}<p class="facts long"><b>{{.Label}}</b> <bdi>{{.Text}}</bdi></p>{{end}}{{if .Links}}<p class="links">{{range .Links}}<a href="{{.URL}}" rel="noreferrer">{{.Text}}</a>{{end}}</p>{{end}}{{end -}}
{{define "foot"}}{{template "buttons" .Buttons}}{{with .Footer}}<p class="small">{{.}}</p>{{end}}{{with .Note}}<p class="small">{{.}}</p>{{end}}{{end -}}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<title>Steward preview: {{.Count}} messages</title>
<style>
*{box-sizing:border-box}
body{margin:0;background:#f6f6f4;color:#1d1c1d;font:15px/1.5 -apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
header{position:sticky;top:0;z-index:1;background:#fffffff2;border-bottom:1px solid #e4e2de;padding:14px 24px}
header h1{margin:0 0 8px;font-size:16px}header h1 small{font-weight:400;color:#6b6a68;margin-left:8px}
nav{display:flex;flex-wrap:wrap;gap:6px;max-height:74px;overflow:auto}
nav a{padding:2px 10px;border-radius:99px;background:#eceae6;color:#1d1c1d;text-decoration:none;font-size:13px}
nav a span{color:inherit;opacity:.55;margin-left:4px}
main{max-width:760px;margin:0 auto;padding:8px 24px 64px}
h2.day{margin:28px 0 10px;font-size:13px;font-weight:600;color:#6b6a68}
article{margin:0 0 16px;background:#fff;border:1px solid #e4e2de;border-radius:10px;overflow:hidden;content-visibility:auto;contain-intrinsic-size:auto 320px}
.meta{display:flex;flex-wrap:wrap;gap:0 10px;padding:8px 16px;font-size:12px;color:#6b6a68;border-bottom:1px solid #f0eeea}
.meta>*{flex:none;max-width:100%;overflow-wrap:anywhere}.meta a{color:inherit;margin-left:auto}
.card{padding:14px 16px 14px 60px;position:relative}
.card .bot{position:absolute;left:16px;top:16px;width:32px;height:32px;border-radius:7px;background:#23524a;color:#fff;text-align:center;line-height:32px;font-weight:700}
.card .who{font-weight:700}.card .who span{margin-left:6px;padding:1px 4px;border-radius:3px;background:#ecebe8;font-size:10px;font-weight:600;color:#6b6a68;vertical-align:2px}
.card h3{margin:2px 0 6px;font-size:18px;line-height:1.35}
.card h4{margin:14px 0 4px;font-size:15px}
.facts{display:flex;flex-wrap:wrap;gap:0 20px;margin:0 0 10px}.facts b{font-weight:700}
.card hr{border:0;border-top:1px solid #e8e6e2;margin:14px 0}
.card .wording p{margin:0 0 8px!important}
.evidence{margin:4px 0 8px;padding-left:22px}
.dot{display:inline-block;width:12px;height:12px;margin-right:8px;border-radius:50%;background:#e8912d}.dot.critical{background:#d0342c}
.small{margin:10px 0 0;font-size:13px;color:#6b6a68}
.mail .head{padding:14px 20px;border-bottom:1px solid #f0eeea}
.mail h3{margin:0 0 6px;font-size:19px;font-weight:500}
.mail dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:0 10px;font-size:13px;color:#6b6a68}
.mail dd{margin:0;color:#1d1c1d;overflow-wrap:anywhere}
.mail .body{padding:20px}
.card,.mail{overflow-wrap:anywhere}
.facts.long{display:block;margin-top:-8px}.links{margin:-6px 0 10px}.links a{margin-right:16px}
.over h3{color:#6b6a68}.over .evidence,.over h4{color:#6b6a68;font-size:13px;font-weight:400}.ended{margin:0 0 8px;font-weight:700}
.marks{margin:0 0 8px;font-size:13px;color:#6b6a68}
.say{margin:8px 0;padding:2px 0 2px 12px;border-left:4px solid #dddbd7;font-style:italic}.say b{font-style:normal}
.picture{margin:8px 0;max-width:480px;border:1px solid #eeece8;border-radius:8px;background:#fbfaf7}
.picture svg{display:block;width:100%;height:auto;font:11px sans-serif;fill:#6b6a68}
.picture path{fill:none}.picture .line{stroke:#23524a;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}.picture .fill{fill:#23524a1f}
.picture .ground{stroke:#a8a49c}.picture .before{stroke:#a8a49c;stroke-dasharray:4 4}.picture circle{fill:#d96c1a}
.buttons{display:flex;flex-wrap:wrap;gap:8px;margin:10px 0 4px}
.buttons span{padding:4px 12px;border:1px solid #c9c7c3;border-radius:6px;background:#fff;font-size:13px;font-weight:700}
.buttons .primary{background:#147a5c;border-color:#147a5c;color:#fff}.buttons .danger{background:#c6302b;border-color:#c6302b;color:#fff}
.buttons .menu{font-weight:400}.buttons .menu::after{content:" \25BE";color:#6b6a68}
.account{margin:16px 0 4px}.account>a{margin-left:12px}.account i{font-style:normal;color:#6b6a68;margin:0 8px}
.item{display:flex;gap:12px;margin:0 0 8px}.item p{margin:0;flex:1}.item em{display:block;font-style:normal}.item b{font-weight:400}
.card .list h3{margin:16px 0 2px!important;font-size:15px!important}.card .list ul{margin:0 0 8px!important;padding-left:20px!important}.card .list p,.card .list li{margin:0!important}
.item .dots{align-self:start;padding:0 10px;border:1px solid #c9c7c3;border-radius:6px;font-weight:700;color:#6b6a68}
.anchor{position:absolute;top:0}
a{color:#0b5cad}
@media (max-width:480px){
main{padding:4px 12px 48px}header{padding:12px}nav{flex-wrap:nowrap}nav a{flex:none}
.meta,.card,.mail .head,.mail .body{padding-left:14px;padding-right:14px}
.card .bot{position:static;float:left;width:22px;height:22px;margin-right:8px;border-radius:5px;line-height:22px;font-size:12px}
}
{{.Style}}</style>
</head>
<body>
{{range .Owners}}<a class="anchor" id="{{.Ref}}"></a>
{{end}}<header>
<h1>Steward preview<small>{{.Count}} messages, newest first. Nothing here was sent.{{if .More}} {{.More}} older ones are in the day folders.{{end}}</small></h1>
<nav><a href="#">everyone</a>{{range .Owners}}<a href="#{{.Ref}}"><bdi>{{.Name}}</bdi><span>{{.Count}}</span></a>{{end}}</nav>
</header>
<main>
{{range .Days}}<section class="{{range $i, $r := .Refs}}{{if $i}} {{end}}{{$r}}{{end}}"><h2 class="day">{{.Words}}</h2>
{{range .Entries}}<article class="{{.Ref}}" id="{{.ID}}">
<div class="meta"><span>{{if .Card}}{{.Card.Channel}}{{else if .Digest}}{{.Digest.Channel}}{{else}}E-mail{{end}}</span><span>{{.Time}}</span>{{with .Card}}{{if .Thread}}<span>in the thread of an earlier card</span>{{end}}{{if .Changed}}<span>drawn anew</span>{{end}}{{end}}{{with .Account}}<span><bdi>{{.}}</bdi></span>{{end}}<a href="{{.File}}">as sent</a></div>
{{with .Card}}<div class="card{{if .Over}} over{{end}}">{{template "head" .}}
{{range $i, $p := .Parts}}{{if $i}}<hr>{{end}}{{with $p.Title}}<h4>{{.}}</h4>{{end}}{{if $p.Evidence}}<ul class="evidence">{{range $p.Evidence}}<li><bdi>{{.}}</bdi></li>{{end}}</ul>{{end}}
{{with $p.Wording}}<div class="wording">{{.}}</div>{{end}}{{with $p.Picture}}<div class="picture">{{.}}</div>{{end}}
{{with $p.Say}}<p class="say"><b>Say:</b> {{.}}</p>{{end}}{{template "marks" $p.Marks}}{{template "buttons" $p.Buttons}}{{end}}
{{if and .Buttons .More}}<hr>{{end}}{{template "foot" .}}</div>{{end}}{{with .Digest}}<div class="card">{{template "head" .}}
{{range .Accounts}}{{if .Name}}<p class="account"><b>{{if .To}}<a href="{{.To}}" rel="noreferrer"><bdi>{{.Name}}</bdi></a>{{else}}<bdi>{{.Name}}</bdi>{{end}}</b>{{range .Facts}}<i>·</i>{{.Label}} <bdi>{{.Text}}</bdi>{{end}}{{range .Links}}<a href="{{.URL}}" rel="noreferrer">{{.Text}}</a>{{end}}</p>{{end}}
{{with .List}}<div class="wording list">{{.}}</div>{{end}}{{range .Items}}<div class="item"><p>{{with .Severity}}<i class="dot {{.}}"></i>{{end}}{{.Title}}{{range .Lines}}<em><bdi>{{.}}</bdi></em>{{end}}</p>{{if .Menu}}<span class="dots">⋯</span>{{end}}</div>
{{end}}{{end}}{{template "foot" .}}</div>{{end}}{{with .Mail}}<div class="mail"><div class="head"><h3>{{.Subject}}</h3>
<dl><dt>From</dt><dd>{{.From}}</dd><dt>To</dt><dd>{{.To}}</dd>{{with .ReplyTo}}<dt>Reply to</dt><dd>{{.}}</dd>{{end}}</dl></div>
<div class="body">{{.Body}}</div></div>{{end}}
</article>
{{end}}</section>
{{end}}{{if not .Count}}<p class="small">No messages yet.</p>{{end}}
</main>
</body>
</html>
`
