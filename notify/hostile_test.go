package notify

import (
	"math"
	"strings"
	"time"

	"pgregory.net/rapid"

	"steward"
)

// hostileNames is what a CRM may hold where a company's name is expected. Each
// carries MARK so that a test can find where it went.
var hostileNames = []string{
	`MARK<!channel> <!here> <@U0DANA> <#C0CS> <https://evil.example|click>`,
	`MARK*bold* _it_ ~st~ ` + "`code` ```pre```" + ` > quote`,
	`MARK<script>alert(1)</script><img src=x onerror=alert(1)>"'`,
	"MARK\r\nBcc: victim@example.com\r\n\r\nbody",
	"MARK\nBcc: victim@example.com\n\nbody",
	"MARK\rBcc: victim@example.com\r\rbody",
	"MARK\x00\r\n\x00Bcc: victim@example.com\x00",
	"MARK\u2028Bcc: victim@example.com\u2029\u0085X-Evil: 1\v\f",
	"MARK =?utf-8?q?=0D=0ABcc:_victim@example.com?= =?utf-8?b?DQpCY2M6IHg=?=",
	"MARK\" <victim@example.com>, \"",
	"MARK, victim@example.com; (comment) \\",
	"MARK \\ǅ \\",
	"MARK" + strings.Repeat("\r\n", 5000) + "Bcc: victim@example.com",
	"MARK" + strings.Repeat("x", 100_000),
	"MARK\x1b[2J\x1b[31m\x07\x00",
	"MARK\u202egnp.exe\u2066\u200b",
	"MARK https://evil.example www.evil.example evil@evil.example",
	`MARK :fire: &lt;!channel&gt; &#60;b&#62; {{ .Secret }} ${x} %s`,
	"MARK" + strings.Repeat("很长的名字", 2000),
	"MARK" + strings.Repeat("a\u0301\u0302\u0303", 3000),
	"MARK שלום עליכם مرحبا 👩‍👩‍👧‍👦 ✈️",
	"MARK\xff\xfe\xc3",
	`MARK</td></table></div>--></style>`,
}

// hostileAddresses is what may stand in the place of an address; %s is a name.
var hostileAddresses = []string{
	"ines@acme.example\r\nBcc: victim@example.com", "ines@acme.example\nRCPT TO:<victim@example.com>", "ines@acme.example\x00", "ines\u2028@acme.example",
	"ines@acme.example\u2029Bcc: victim@example.com", "ines\u0085@acme.example", "\"ines\\\r\n Bcc: victim\"@acme.example", "\"a b\"@acme.example", "\"a\u2028b\"@acme.example",
	"ines@acme.example, victim@example.com", "ines@acme.example> BODY=8BITMIME\r\nDATA", "Ines <ines@acme.example>", "ines@acme.example (Bcc: victim)",
	"ines\xff@acme.example", "ines\u202e@acme.example", "=?utf-8?q?=0D=0ABcc:?=@acme.example", strings.Repeat("a", 10_000) + "@acme.example",
}

// letterOf is a letter whose every text is the given one.
func letterOf(channel steward.Channel, text string) steward.Letter {
	at := time.Date(2026, 3, 12, 6, 0, 0, 0, time.UTC)
	m := steward.Message{
		ID: "m-abcdefgh23456723", Kind: steward.Card, Channel: channel, Account: "acme", Planned: at, Due: at,
		To: steward.Recipient{Key: "owner", Owner: "dana", Name: text, Slack: "U0DANA", Email: "dana@example.com"},
	}
	return steward.Letter{Message: m, Content: steward.Content{
		Title: text, Account: text, Severity: "warning", Link: text, Footer: text, From: text, ReplyTo: text, Locale: text, Signature: []string{text, text},
		Facts: []steward.LabelledText{{Label: text, Text: text}, {Label: "ARR", Text: text}},
		Parts: []steward.ContentPart{{Playbook: "login-drop", Title: text + " ", Markdown: "Words about " + escapeMarkdown(text) + ".", Evidence: []string{text, text}}},
	}}
}

// escapeMarkdown is what a composer does with data: a backslash before all
// punctuation, no line breaks.
func escapeMarkdown(s string) string {
	var sb strings.Builder
	for _, r := range strings.Join(strings.Fields(s), " ") {
		if r < 0x80 && strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r) {
			sb.WriteByte('\\')
		}
		sb.WriteRune(r)
	}
	return sb.String()
}

// goodLetter is an ordinary card.
func goodLetter() steward.Letter {
	l := letterOf(steward.Slack, "")
	l.Message.To.Name = "Dana Reyes"
	l.Content = steward.Content{
		Title: "Logins are dropping", Account: "Acme GmbH", Severity: "warning", Link: "https://crm.example.com/acme",
		Facts: []steward.LabelledText{{Label: "ARR", Text: "48k €"}, {Label: "Renews", Text: "12 May, in 61 days"}, {Label: "Owner", Text: "Dana Reyes"}},
		Parts: []steward.ContentPart{{
			Playbook: "login-drop", Title: "Logins are dropping",
			Markdown: "**Acme GmbH** logs in a third as often as two weeks ago.\n\n1. Call *Ines Ott* (champion).\n2. Ask whether the [rollout](https://crm.example.com/acme/rollout) is done.",
			Evidence: []string{"Logins fell 64 % in 14 days: 42 → 15 a day", "Last call: 9 March, by Dana"},
		}},
		Footer: "From the playbook login-drop. Take it on with: steward ack acme",
	}
	return l
}

// goodMail is an ordinary mail to a customer.
func goodMail() steward.Letter {
	l := goodLetter()
	l.Message.Kind, l.Message.Channel = steward.Mail, steward.Email
	l.Message.To = steward.Recipient{Key: "role:champion", Contact: "c-1", Name: "Inès Ött", Email: "ines@acme.example"}
	l.Message.ApprovedBy = "dana"
	l.Content = steward.Content{
		Title: "Kurze Frage zu Ihrem Rollout – läuft alles?", From: "Dana Reyes", ReplyTo: "dana@example.com", Locale: "de",
		Parts:  []steward.ContentPart{{Markdown: "Liebe Inès,\n\nläuft der **Rollout**? Hier ist die [Anleitung](https://help.example.com/start?a=1&b=2).\n\n- erstens\n- zweitens\n\nViele Grüße\\\nDana"}},
		Footer: "Example GmbH · Musterstraße 1 · Berlin", Signature: []string{"Dana Reyes", "Kundenbetreuung"},
	}
	return l
}

// anyContent draws content of every size and spelling.
func anyContent() *rapid.Generator[steward.Content] {
	text := rapid.OneOf(rapid.SampledFrom(hostileNames), rapid.String(), rapid.StringN(0, 4000, -1),
		rapid.SampledFrom([]string{"", " ", "<", strings.Repeat("<", 5000), strings.Repeat("&", 3000), strings.Repeat("é ", 2500)}))
	return rapid.Custom(func(t *rapid.T) steward.Content {
		c := steward.Content{
			Title: text.Draw(t, "title"), Account: text.Draw(t, "account"), Footer: text.Draw(t, "footer"), Signature: rapid.SliceOfN(text, 0, 3).Draw(t, "signature"),
			Severity: rapid.SampledFrom([]string{"", "info", "warning", "critical", "x"}).Draw(t, "severity"),
			Link:     rapid.SampledFrom([]string{"", "https://crm.example.com/1", "javascript:x", "https://crm.example.com/" + strings.Repeat("a&", 240)}).Draw(t, "link"),
		}
		for range rapid.IntRange(0, 15).Draw(t, "facts") {
			c.Facts = append(c.Facts, steward.LabelledText{Label: text.Draw(t, "label"), Text: text.Draw(t, "value")})
		}
		for range rapid.IntRange(0, 30).Draw(t, "parts") {
			p := steward.ContentPart{Title: text.Draw(t, "part"), Markdown: text.Draw(t, "markdown")}
			p.Evidence = rapid.SliceOfN(text, 0, 12).Draw(t, "evidence")
			c.Parts = append(c.Parts, p)
		}
		return c
	})
}

// anyLetter draws a card or a digest of every size and spelling, with everything
// that can stand on it.
func anyLetter() *rapid.Generator[steward.Letter] {
	text := rapid.OneOf(rapid.SampledFrom(hostileNames), rapid.StringN(0, 400, -1), rapid.SampledFrom([]string{"", " ", strings.Repeat("<", 5000)}))
	marks := rapid.SliceOfN(text, 0, 4)
	label := rapid.SampledFrom([]string{"", "For a week", "<!here> *x*", strings.Repeat("é", 90), "MARK\x00\u202e\r\nx"})
	buttons := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) steward.Button {
		b := steward.Button{Label: text.Draw(t, "label"), Style: rapid.SampledFrom([]string{"", "primary", "danger"}).Draw(t, "style"),
			Target: anyTarget().Draw(t, "target"), Confirm: rapid.OneOf(rapid.Just(""), text).Draw(t, "confirm"),
			Link: rapid.SampledFrom([]string{"", "", "https://steward.example.com/a/1", "javascript:x", "https://a.example/" + strings.Repeat("x", 4000)}).Draw(t, "link")}
		for range rapid.SampledFrom([]int{0, 0, 3, 5, 120}).Draw(t, "options") {
			b.Options = append(b.Options, steward.Option{Value: label.Draw(t, "value"), Label: label.Draw(t, "option")})
		}
		return b
	}), 0, 6)
	return rapid.Custom(func(t *rapid.T) steward.Letter {
		l := steward.Letter{Content: anyContent().Draw(t, "content"), Message: steward.Message{ID: "m-1", Channel: steward.Slack,
			Kind: rapid.SampledFrom([]steward.MessageKind{steward.Card, steward.Digest, steward.Approval}).Draw(t, "kind")}}
		l.Content.Page = rapid.SampledFrom([]string{"", "https://steward.example.com/a/1?t=" + strings.Repeat("x", 200), "ftp://x"}).Draw(t, "page")
		l.Face = steward.Face{Marks: marks.Draw(t, "marks"), Buttons: buttons.Draw(t, "buttons"), Over: rapid.OneOf(rapid.Just(""), text).Draw(t, "over")}
		for i := range l.Content.Parts {
			p := &l.Content.Parts[i]
			p.Account, p.Why, p.Say = text.Draw(t, "of"), text.Draw(t, "why"), text.Draw(t, "say")
			p.AccountID = rapid.SampledFrom([]steward.AccountID{"", "a", "b"}).Draw(t, "account")
			p.Severity, p.Link, p.Page = l.Content.Severity, l.Content.Link, l.Content.Page
			if rapid.Bool().Draw(t, "pictured") {
				p.Picture = anyPicture().Draw(t, "picture")
			}
			if rapid.Bool().Draw(t, "faced") {
				for len(l.Face.Parts) <= i {
					l.Face.Parts = append(l.Face.Parts, steward.PartFace{})
				}
				l.Face.Parts[i] = steward.PartFace{Marks: marks.Draw(t, "marks"), Buttons: buttons.Draw(t, "buttons")}
			}
		}
		return l
	})
}

// anyPicture draws pictures that can be shown, and such that cannot.
func anyPicture() *rapid.Generator[*steward.Picture] {
	value := rapid.OneOf(rapid.Just(steward.Value{}), rapid.Map(rapid.Float64(), steward.Num),
		rapid.Map(rapid.Float64Range(0, 100), steward.Num), rapid.Just(steward.Num(0)), rapid.Just(steward.Value{Kind: steward.NumberKind, Known: true, Num: math.Inf(1)}))
	return rapid.Custom(func(t *rapid.T) *steward.Picture {
		return &steward.Picture{
			Label: rapid.SampledFrom(hostileNames).Draw(t, "label"), Alt: rapid.SampledFrom(hostileNames).Draw(t, "alt"),
			First: steward.Date(2026, 1, 1), Step: rapid.SampledFrom([]int{1, 7, 14, 70}).Draw(t, "step"), Percent: rapid.Bool().Draw(t, "percent"),
			Values: rapid.SliceOfN(value, 0, 25).Draw(t, "values"), Before: value.Draw(t, "before"),
		}
	})
}
