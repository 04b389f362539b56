package main

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/slack-go/slack"

	"steward"
	"steward/notify"
	"steward/replay"
	"steward/series"
)

// A wall is the example workspace living through days, with what is sent on them
// as it stands at each moment.
type wall struct {
	*testing.T
	road *testRoad
	sent map[steward.MessageID]steward.Letter
	refs []steward.MessageID // in order
	seq  int
	// p and daily are the customers and their metrics up to the last day lived.
	p     steward.Portfolio
	daily map[string]map[steward.AccountID][]float64
	first steward.Day
	day   steward.Day
}

// Send and Update keep what would be shown.
func (w *wall) Send(_ context.Context, l steward.Letter) (steward.Receipt, error) {
	if _, again := w.sent[l.Message.ID]; !again {
		w.refs = append(w.refs, l.Message.ID)
	}
	w.sent[l.Message.ID] = l
	return steward.Receipt{Ref: "wall/" + string(l.Message.ID)}, nil
}

// Update is what the card shows from now on.
func (w *wall) Update(_ context.Context, l steward.Letter, _ string) error {
	was := w.sent[l.Message.ID]
	l.Thread = was.Thread
	w.sent[l.Message.ID] = l
	return nil
}

// wallDays is for how long there is data before the first day lived.
const wallDays = 130

// newWall is the example workspace with customers that are made up, on a Monday.
func newWall(t *testing.T) *wall {
	t.Helper()
	w := &wall{T: t, sent: map[steward.MessageID]steward.Letter{}, daily: map[string]map[steward.AccountID][]float64{"logins": {}, "active_users": {}}}
	a := newApp(func(string) string { return "" }, strings.NewReader(""), &log{}, &log{})
	a.dir = filepath.Join(t.TempDir(), "workspace")
	if code := run(t.Context(), []string{"init", "-w", a.dir}, func(string) string { return "" }, nil, &log{}, &log{}); code != exitFine {
		t.Fatalf("init ended with %d", code)
	}
	edited := func(name, old, new string) { (&outpost{T: t, dir: a.dir}).edit(name, old, new) }
	edited("steward.yaml", "owners: {file: owners.yaml", "crm_link: https://crm.example.com/accounts/{id}\nowners: {file: owners.yaml")
	edited("steward.yaml", "\nslack: {", galleryHealth+"\nslack: {")
	edited("playbooks/login-drop.yaml", "    slack: owner\n    message: login-drop-call", "    task: owner\n    due: 3 business days\n    message: login-drop-call")
	ws, book, _, err := a.load()
	w.must(err)
	book.PageLink = func(id steward.AccountID, _ steward.OwnerID, _ time.Time) string {
		return "https://steward.example.com/a/" + string(id)
	}
	for i := range ws.Owners {
		ws.Owners[i].Slack = fmt.Sprintf("U0OWNER%d", i)
	}
	w.road = &testRoad{ws: ws, book: withBackfill(book, "renewal", true)}
	t.Cleanup(w.road.end)
	w.must(w.road.Begin(t.Context(), replay.Given{Playbook: "login-drop", Backfill: true}))
	w.road.engine.Sender, w.road.engine.Update = w, w.Update
	w.day = steward.Date(2026, 9, 14)
	w.first = w.day - wallDays
	return w
}

func (w *wall) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// customer is one whose people log in so often a day from the beginning, and so
// often over the last days.
func (w *wall) customer(id, name string, usual, now float64, days int, change func(*steward.Account)) {
	a := steward.Account{ID: steward.AccountID(id), Name: name, Status: "customer", Segment: "mid-market", ARR: steward.Num(48000), Currency: "EUR", Owner: "dana",
		StartDate: w.first - 300, RenewalDate: w.day + 200, Stage: "adoption", More: map[string]steward.Value{"seats": steward.Num(60)}}
	if change != nil {
		change(&a)
	}
	w.p.Accounts = append(w.p.Accounts, a)
	people := []steward.Contact{
		{ID: steward.ContactID(id + "-1"), Account: a.ID, Name: []string{"Ines Ott", "Kim Sato", "Ada Park", "Noa Lind"}[len(w.p.Accounts)%4], Email: "champion@" + id + ".example", Roles: []string{"champion"}, LastSeen: w.day - 3},
		{ID: steward.ContactID(id + "-2"), Account: a.ID, Name: "Robin Vale", Email: "buyer@" + id + ".example", Roles: []string{"economic_buyer"}, LastSeen: steward.NoDay},
	}
	w.p.Contacts = append(w.p.Contacts, people...)
	w.p.Touches = append(w.p.Touches, steward.Touch{ID: "t-" + id, Account: a.ID, Contact: people[0].ID, Day: w.day - steward.Day(12+len(w.p.Accounts)), Kind: "call", By: "dana"})
	for i := range wallDays {
		level := usual
		if i >= wallDays-days {
			level = now
		}
		if weekday := (w.first + steward.Day(i)).Start(time.UTC).Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			level /= 6
		}
		level += float64((i*7+len(id))%5) - 2
		w.daily["logins"][a.ID] = append(w.daily["logins"][a.ID], max(0, float64(int(level))))
		w.daily["active_users"][a.ID] = append(w.daily["active_users"][a.ID], max(1, float64(int(usual/2))))
	}
}

// live goes through days; again is how often people of an account log in on them.
func (w *wall) live(days int, again map[steward.AccountID]float64) {
	w.Helper()
	for range days {
		w.p.Kinds = map[string]bool{"accounts": true, "contacts": true, "contracts": true, "touches": true}
		metrics := map[string]map[steward.AccountID]series.Series{}
		for name, of := range w.daily {
			metrics[name] = map[steward.AccountID]series.Series{}
			for id, values := range of {
				s, err := series.New(w.first, values)
				w.must(err)
				metrics[name][id] = s
			}
		}
		w.must(w.road.Import(w.Context(), w.p, metrics, w.day-1))
		slot, err := slotOn(w.road.ws, w.day)
		w.must(err)
		w.must(w.road.Live(w.Context(), slot))
		w.paint()
		for name, of := range w.daily {
			for id, values := range of {
				level := values[len(values)-7]
				if name == "logins" && again[id] > 0 {
					level = again[id]
				}
				w.daily[name][id] = append(values, level)
			}
		}
		w.day++
	}
}

func (w *wall) paint() {
	w.Helper()
	_, err := w.road.engine.Paint(w.Context(), 1000)
	w.must(err)
}

// does is what somebody did in Slack.
func (w *wall) does(g steward.Gesture) steward.Answer {
	w.Helper()
	w.seq++
	g.Key, g.At, g.Via, g.Owner, g.Trusted = fmt.Sprint("key-", w.seq), w.road.clock.now(), steward.ViaSlack, "dana", true
	answer, err := w.road.engine.Handle(w.Context(), g)
	w.must(err)
	w.paint()
	return answer
}

// about is the newest message of a kind about an account that somebody got.
func (w *wall) about(kind steward.MessageKind, account steward.AccountID, to string) steward.Letter {
	w.Helper()
	for _, id := range slices.Backward(w.refs) {
		if l := w.sent[id]; l.Message.Kind == kind && l.Message.Account == account && (to == "" || string(l.Message.To.Owner) == to) {
			return l
		}
	}
	var got []string
	for _, id := range w.refs {
		l := w.sent[id]
		got = append(got, fmt.Sprintf("%s about %q to %s: %s", l.Message.Kind, l.Message.Account, l.Message.To.Key, l.Content.Title))
	}
	w.Fatalf("no %s about %s went to %s; sent were:\n%s", kind, account, to, strings.Join(got, "\n"))
	return steward.Letter{}
}

// otherThan is an account with a card that is none of those named.
func (w *wall) otherThan(named ...steward.AccountID) steward.AccountID {
	w.Helper()
	for _, id := range w.refs {
		if l := w.sent[id]; l.Message.Kind == steward.Card && l.Message.To.Owner == "dana" && !slices.Contains(named, l.Message.Account) {
			return l.Message.Account
		}
	}
	w.Fatal("only those got a card")
	return ""
}

// longest is the message of a kind, to people of a key, with the most to say.
func (w *wall) longest(kind steward.MessageKind, key string) (longest steward.Letter) {
	w.Helper()
	for _, id := range w.refs {
		if l := w.sent[id]; l.Message.Kind == kind && l.Message.To.Key == key && len(l.Content.Parts) > len(longest.Content.Parts) {
			longest = l
		}
	}
	if longest.Message.ID == "" {
		w.Fatalf("no %s for %s was sent", kind, key)
	}
	return longest
}

// press is a click on a card's button of a verb.
func (w *wall) press(l steward.Letter, v steward.Verb, choice string) steward.Answer {
	w.Helper()
	all := slices.Clone(l.Face.Buttons)
	for _, p := range l.Face.Parts {
		all = append(all, p.Buttons...)
	}
	for _, b := range all {
		if b.Target.Verb == v {
			values := map[string]string{}
			if choice != "" {
				values["choice"] = choice
			}
			a := w.does(steward.Gesture{Verb: v, Target: b.Target, Values: values})
			if a.Refused {
				w.Fatalf("%s was refused: %s", v, a.Text)
			}
			return a
		}
	}
	w.Fatalf("the card has no button for %s: %+v", v, l.Face)
	return steward.Answer{}
}

// A shot is a message as it stood at one moment, or a form that a click opened.
type shot struct {
	name   string
	letter steward.Letter
	form   *steward.Form
}

// lived is the days of the example workspace, and a shot of every kind of message
// on the way.
func (w *wall) lived() (out []shot) {
	w.customer("harbour", "Harbour Lane Logistics", 42, 13, 14, func(a *steward.Account) { a.RenewalDate, a.ARR = w.day+61, steward.Num(88000) })
	w.customer("kestrel", "Kestrel & Sons", 30, 8, 14, func(a *steward.Account) { a.ARR = steward.Num(72000) })
	w.customer("tern", "Tern Insurance", 26, 6, 14, nil)
	w.customer("mill", "Old Mill Foods", 55, 15, 14, func(a *steward.Account) { a.RenewalDate, a.ARR = w.day+122, steward.Num(96000) })
	w.customer("alder", "Alder Clinics", 8, 8, 14, func(a *steward.Account) { a.StartDate, a.Stage = w.day-60, "onboarding" })
	for i, name := range []string{"Fennel & Co", "Larch Engineering", "Quay Studio", "Brook Ceramics", "Heron Travel"} { // more than a day has cards for
		w.customer(fmt.Sprint("small", i), name, float64(24+7*i), float64(7+3*i), 14, func(a *steward.Account) { a.ARR = steward.Num(float64(14000 + 2000*i)) })
	}
	w.p.Contracts = append(w.p.Contracts, steward.Contract{ID: "c-mill", Account: "mill", Product: "Platform", StartDate: w.day - 243, EndDate: w.day + 122, NoticeDate: w.day + 122,
		Amount: steward.Num(52000)})
	keep := func(name string, l steward.Letter) { out = append(out, shot{name: name, letter: l}) }
	form := func(name string, a steward.Answer) {
		if a.Form == nil {
			w.Fatalf("%s: no form opens, but %q", name, a.Text)
		}
		out = append(out, shot{name: name, form: a.Form})
	}

	w.live(4, nil)
	keep("card", w.about(steward.Card, "harbour", "dana"))
	form("form-done", w.press(w.about(steward.Card, "harbour", "dana"), steward.VerbDone, ""))
	keep("card-merged", w.about(steward.Card, "mill", "dana"))
	w.press(w.about(steward.Card, "kestrel", "dana"), steward.VerbTake, "")
	keep("card-taken", w.about(steward.Card, "kestrel", "dana"))
	other := w.otherThan("harbour", "mill", "kestrel")
	w.press(w.about(steward.Card, other, "dana"), steward.VerbSnooze, "1w")
	keep("card-snoozed", w.about(steward.Card, other, "dana"))

	w.live(3, nil)
	keep("card-escalated", w.about(steward.Card, "harbour", "lee"))
	keep("approval", w.about(steward.Approval, "kestrel", ""))
	form("form-edit", w.press(w.about(steward.Approval, "kestrel", ""), steward.VerbRewrite, ""))
	keep("approvals", w.longest(steward.Approval, "approver"))
	if a := w.does(steward.Gesture{Words: "harbour"}); a.Content != nil {
		keep("answer", steward.Letter{Message: steward.Message{ID: "m-answer", Kind: steward.Card, Channel: steward.Slack, Planned: w.road.clock.now(), To: steward.Recipient{Key: "owner", Owner: "dana", Name: "you alone"}}, Content: *a.Content, Face: a.Face})
	} else {
		w.Fatalf("/steward harbour answers %q and shows nothing", a.Text)
	}
	w.live(12, map[steward.AccountID]float64{"kestrel": 32})
	keep("notice", w.about(steward.Notice, "", ""))
	keep("card-recovered", w.about(steward.Card, "kestrel", "dana"))
	keep("digest", w.longest(steward.Digest, "digest"))
	keep("weekly", w.longest(steward.Digest, "weekly"))
	w.live(14, nil)
	task := w.about(steward.Card, "harbour", "dana")
	if task.Thread == "" {
		w.Errorf("%s stands by itself, and follows up on an earlier card", task.Content.Title)
	}
	keep("task", task)
	return out
}

// Every kind of message as Slack shows it, from the example workspace: nothing
// hangs over the edge, and all of it can be read. `make pictures` keeps what they
// look like in docs/images, where docs/messages.md shows them.
func TestMessagePictures(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser under the race detector takes long, and finds no race of ours")
	}
	w := newWall(t)
	shots := w.lived()
	dir := t.TempDir()
	p, err := notify.NewPreviewSender(notify.PreviewConfig{Dir: dir})
	w.must(err)
	for i, s := range shots {
		if s.form != nil {
			continue
		}
		l := s.letter
		l.Message.ID, l.Message.Channel = steward.MessageID(fmt.Sprintf("m-shot%d", i)), steward.Slack
		if l.Message.To.Name == "" {
			l.Message.To.Name = l.Message.To.Key
		}
		_, err := p.Send(t.Context(), l)
		w.must(err)
	}
	w.must(p.Flush())
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	ctx := pageBrowser(t)
	page := docText(t, "docs/messages.md")
	const width = 720
	w.must(chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(server.URL+"/index.html")))
	got, err := chromedp.Run(ctx, chromedp.Evaluate[pageLook](pageLookOf))
	w.must(err)
	if got.Over > 0 {
		t.Errorf("it hangs %d pixels over the edge: %s", got.Over, strings.Join(got.Wide, "; "))
	}
	for _, f := range got.Faint {
		t.Errorf("hard to read: %s", f)
	}
	for i, s := range shots {
		if s.form == nil {
			w.shoot(ctx, fmt.Sprintf("#m-shot%d", i), s.name)
		}
	}
	var forms []template.HTML
	for _, s := range shots {
		if s.form != nil {
			forms = append(forms, w.formHTML(s.name, *s.form))
		}
	}
	w.must(os.WriteFile(filepath.Join(dir, "forms.html"), []byte(formsPage(w, forms)), 0o600))
	w.must(chromedp.Do(ctx, chromedp.Navigate(server.URL+"/forms.html")))
	for _, s := range shots {
		if s.form != nil {
			w.shoot(ctx, "#"+s.name, s.name)
		}
		if !strings.Contains(page, "images/message-"+s.name+".png") {
			t.Errorf("docs/messages.md does not show %s", s.name)
		}
	}
}

// shoot keeps a picture of what is at a place of the page.
func (w *wall) shoot(ctx context.Context, at, name string) {
	w.Helper()
	box, err := chromedp.Run(ctx, chromedp.Evaluate[struct{ X, Y, Width, Height float64 }](fmt.Sprintf(
		`(e => { e.style.contentVisibility = 'visible'; const r = e.getBoundingClientRect(); return {X: r.x, Y: r.y + scrollY, Width: r.width, Height: r.height} })(document.querySelector(%q))`, at)))
	w.must(err)
	if box.Height < 60 {
		w.Errorf("%s is %v pixels high", name, box.Height)
	}
	picture, err := chromedp.Run(ctx, func(ctx context.Context, tab *chromedp.Target) ([]byte, error) {
		whole := true
		shot, err := cdp.Call(ctx, tab, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{CaptureBeyondViewport: &whole,
			Clip: &cdppage.Viewport{X: box.X - 6, Y: box.Y - 6, Width: box.Width + 12, Height: box.Height + 12, Scale: 1.5}})
		return shot.Data, err
	})
	w.must(err)
	keepPagePicture(w.T, "message-"+name, picture)
}

// formHTML is a form as Slack is told of it, drawn as Slack draws one. Nobody but
// this picture shows forms outside Slack: the preview has no clicks.
func (w *wall) formHTML(id string, f steward.Form) template.HTML {
	w.Helper()
	view, err := notify.FormView(f, "", "")
	w.must(err)
	form := drawnForm{ID: id, Title: view.Title.Text, Submit: view.Submit.Text, Close: view.Close.Text}
	for _, b := range view.Blocks.BlockSet {
		switch b := b.(type) {
		case *slack.SectionBlock:
			form.Intro = b.Text.Text
		case *slack.InputBlock:
			field := drawnField{Label: b.Label.Text, Optional: b.Optional}
			if b.Hint != nil {
				field.Hint = b.Hint.Text
			}
			switch el := b.Element.(type) {
			case *slack.SelectBlockElement:
				field.Menu, field.Value = true, "Select an option"
				if el.InitialOption != nil {
					field.Value = el.InitialOption.Text.Text
				}
			case *slack.PlainTextInputBlockElement:
				field.Long, field.Value = el.Multiline, el.InitialValue
			default:
				w.Fatalf("%s: this draws no %T", id, el)
			}
			form.Fields = append(form.Fields, field)
		default:
			w.Fatalf("%s: this draws no %T", id, b)
		}
	}
	var sb strings.Builder
	w.must(template.Must(template.New("form").Parse(formTemplate)).Execute(&sb, form))
	return template.HTML(sb.String())
}

type drawnForm struct {
	ID, Title, Intro, Submit, Close string
	Fields                          []drawnField
}

type drawnField struct {
	Label, Hint, Value   string
	Optional, Menu, Long bool
}

const formTemplate = `<form id="{{.ID}}"><header>{{.Title}}<i>×</i></header>
{{with .Intro}}<p>{{.}}</p>{{end}}{{range .Fields}}<label>{{.Label}}{{if .Optional}} <small>(optional)</small>{{end}}</label>
<div class="{{if .Menu}}menu{{else if .Long}}long{{end}}">{{.Value}}</div>{{with .Hint}}<small>{{.}}</small>{{end}}{{end}}
<footer><span>{{.Close}}</span><span class="go">{{.Submit}}</span></footer></form>
`

func formsPage(w *wall, forms []template.HTML) string {
	w.Helper()
	var sb strings.Builder
	w.must(template.Must(template.New("forms").Parse(`<!doctype html><meta charset="utf-8"><style>
*{box-sizing:border-box}body{margin:0;padding:24px;background:#f6f6f4;color:#1d1c1d;font:15px/1.45 "Segoe UI",Roboto,Helvetica,Arial,sans-serif}
form{width:520px;margin:0 0 24px;padding:0 24px 20px;background:#fff;border:1px solid #d5d3cf;border-radius:10px}
header{display:flex;padding:18px 0 12px;font-size:20px;font-weight:800}header i{margin-left:auto;color:#6b6a68;font-style:normal;font-weight:400}
p{margin:0 0 8px}label{display:block;margin:14px 0 6px;font-weight:700}label small{font-weight:400}small{color:#6b6a68;font-size:13px}
div{min-height:38px;margin-bottom:4px;padding:8px 12px;border:1px solid #a09e9a;border-radius:6px;white-space:pre-wrap}
.long{min-height:76px}.menu{color:#6b6a68;display:flex}.menu::after{content:"▾";margin-left:auto}
footer{display:flex;justify-content:flex-end;gap:10px;margin-top:22px}footer span{padding:7px 16px;border:1px solid #c9c7c3;border-radius:6px;font-weight:700}.go{background:#147a5c;border-color:#147a5c;color:#fff}
</style>{{range .}}{{.}}{{end}}`)).Execute(&sb, forms))
	return sb.String()
}
