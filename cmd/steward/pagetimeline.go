package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/configs"
	"steward/web"
)

// An occasion is one thing that happened about an account, before it is laid out.
type occasion struct {
	at time.Time
	web.TimelineEntry
}

// timeline is what happened about an account as a page shows it, newest first.
func timeline(s steward.Story, carries map[steward.MessageID][]steward.Outreach, q web.TimelineQuery, ws *configs.Workspace) web.TimelineView {
	var all []occasion
	for _, m := range s.Messages {
		all = append(all, said(m, carries[m.ID], ws))
	}
	for _, a := range s.Acts {
		all = append(all, acted(a, ws))
	}
	for _, c := range s.Incoming {
		all = append(all, cameBack(c))
	}
	told := toldOtherwise(s)
	for _, r := range s.Records {
		if !told(r) {
			all = append(all, decided(r))
		}
	}
	all = slices.DeleteFunc(all, func(o occasion) bool { return q.Kind != "" && o.Kind != q.Kind })
	slices.SortStableFunc(all, func(a, b occasion) int { return b.at.Compare(a.at) })
	all = foldedRows(all)

	out := web.TimelineView{Query: q, Total: len(all),
		More: len(s.Messages) >= pageHistory || len(s.Records) >= pageHistory || len(s.Acts) >= pageHistory || len(s.Incoming) >= pageHistory}
	shown := all[min(q.From, len(all)):]
	shown = shown[:min(pageEntries, len(shown))]
	out.Shown = len(shown)
	for _, o := range shown {
		at := o.at.In(ws.Zone)
		day := at.Format("Monday 2 January 2006")
		if n := len(out.Days); n == 0 || out.Days[n-1].Day != day {
			out.Days = append(out.Days, web.TimelineDay{Day: day})
		}
		o.Time = at.Format("15:04")
		last := &out.Days[len(out.Days)-1]
		last.Entries = append(last.Entries, o.TimelineEntry)
	}
	return out
}

// foldedRows makes one of the same thing decided again and again, with the newest.
func foldedRows(all []occasion) []occasion {
	var out []occasion
	for _, o := range all {
		if n := len(out) - 1; n >= 0 && o.Kind == web.KindDecided && out[n].Kind == o.Kind && out[n].Label == o.Label && out[n].About == o.About && out[n].Text == o.Text {
			out[n].Times = max(1, out[n].Times) + 1
			continue
		}
		out = append(out, o)
	}
	return out
}

// toldOtherwise tells the decisions that an entry of a message or of an act
// tells already.
func toldOtherwise(s steward.Story) func(steward.Record) bool {
	type deed struct {
		reason steward.Reason
		about  string
	}
	reasons := map[steward.Verb]steward.Reason{steward.VerbTake: steward.ReasonTaken, steward.VerbDone: steward.ReasonFinished, steward.VerbNotUseful: steward.ReasonNotUseful,
		steward.VerbSnooze: steward.ReasonSnoozed, steward.VerbApprove: steward.ReasonApproved, steward.VerbDecline: steward.ReasonDeclined, steward.VerbRewrite: steward.ReasonRewritten, steward.VerbRelease: steward.ReasonReleased}
	done := map[deed]bool{}
	for _, a := range s.Acts {
		if a.Refused == "" {
			done[deed{reasons[a.Verb], string(a.Message)}] = a.Message != ""
			done[deed{reasons[a.Verb], string(a.Enrolment)}] = a.Enrolment != ""
		}
	}
	shown := map[steward.MessageID]bool{}
	for _, m := range s.Messages {
		shown[m.ID] = true
	}
	return func(r steward.Record) bool {
		return r.Reason == steward.ReasonDelivered && shown[r.Message] || done[deed{r.Reason, string(r.Message)}] || done[deed{r.Reason, string(r.Enrolment)}]
	}
}

// said is a message, at the moment at which it settled, or was planned.
func said(m steward.Message, carries []steward.Outreach, ws *configs.Workspace) occasion {
	o := occasion{at: m.Planned, TimelineEntry: web.TimelineEntry{Kind: web.KindSaid}}
	if !m.Settled.IsZero() {
		o.at = m.Settled
	}
	to := cmp.Or(m.To.Name, m.To.Key)
	o.Text = fmt.Sprintf("%s to %s", kindWords[m.Kind], to)
	if m.State != steward.Sent && m.Detail != "" {
		o.Text += ": " + m.Detail
	}
	label := map[steward.MessageState]web.Chip{
		steward.Sent: {Text: "sent", Tone: web.Good}, steward.Uncertain: {Text: "uncertain", Tone: web.Warn}, steward.FailedToSend: {Text: "failed", Tone: web.Bad},
		steward.Suppressed: {Text: "not sent", Tone: web.Quiet}, steward.Expired: {Text: "expired", Tone: web.Quiet}, steward.AwaitingApproval: {Text: "waits for approval", Tone: web.Warn},
		steward.Deferred: {Text: "put off", Tone: web.Warn},
	}
	o.Label = label[m.State]
	if o.Label.Text == "" {
		o.Label = web.Chip{Text: "on its way", Tone: web.Quiet}
	}
	if m.State == steward.Deferred {
		o.Text += ", until " + stamp(m.Due, ws.Zone)
	}
	var about []string
	for _, x := range carries {
		if step := string(x.Playbook) + "/" + x.Step; !slices.Contains(about, step) {
			about = append(about, step)
		}
	}
	o.About = strings.Join(about, ", ")
	if m.Content != nil {
		o.Title, o.Body = m.Content.Title, bodyText(m.Content)
	}
	return o
}

var kindWords = map[steward.MessageKind]string{steward.Card: "Card", steward.Mail: "Mail", steward.Call: "Call of a webhook", steward.Approval: "Card that asks for approval", steward.Notice: "Notice", steward.Digest: "Digest"}

// decided is a decision, with its named reason.
func decided(r steward.Record) occasion {
	o := occasion{at: r.At.Time(), TimelineEntry: web.TimelineEntry{Kind: web.KindDecided, Label: web.Chip{Text: words(string(r.Reason)), Tone: web.Quiet}, Text: sentence(r.Detail), About: string(r.Playbook)}}
	if r.Step != "" {
		o.About += "/" + r.Step
	}
	return o
}

// acted is what a person did.
func acted(a steward.Act, ws *configs.Workspace) occasion {
	who := a.ByName
	if owner, ok := ws.Owner(a.By); ok {
		who = ownerName(owner)
	}
	what := verbWords[a.Verb]
	if what == "" {
		what = words(string(a.Verb))
	}
	text := cmp.Or(who, "Somebody") + " " + what
	if a.Choice != "" {
		text += ": " + words(a.Choice)
	}
	if !a.Until.IsZero() {
		text += ", until " + stamp(a.Until, ws.Zone)
	}
	if a.Text != "" {
		text += " (“" + a.Text + "”)"
	}
	o := occasion{at: a.At, TimelineEntry: web.TimelineEntry{Kind: web.KindPeople, Label: web.Chip{Text: "by " + viaWords[a.Via], Tone: ""}, Text: text, About: string(a.Playbook)}}
	if a.Refused != "" {
		o.Label, o.Text = web.Chip{Text: "came to nothing", Tone: web.Warn}, text+": "+a.Refused
	}
	return o
}

var viaWords = map[steward.Via]string{steward.ViaSlack: "Slack", steward.ViaPage: "page", steward.ViaCommand: "command"}

// verbWords is what somebody did, after their name.
var verbWords = map[steward.Verb]string{
	steward.VerbTake: "took it on", steward.VerbSnooze: "snoozed it", steward.VerbDone: "finished it", steward.VerbNotUseful: "called it not useful",
	steward.VerbApprove: "approved the mail", steward.VerbApproveAll: "approved all that waited", steward.VerbDecline: "declined the mail", steward.VerbRewrite: "rewrote the mail", steward.VerbRelease: "let it begin",
	steward.VerbMilestone: "marked a milestone", steward.VerbRole: "said who somebody is", steward.VerbName: "said what somebody is called", steward.VerbMoveDue: "moved a due date", steward.VerbPulse: "gave a pulse", steward.VerbHealth: "said how healthy it is",
	steward.VerbStart: "started a playbook", steward.VerbSkip: "skipped a step", steward.VerbStop: "stopped a playbook", steward.VerbSilence: "asked for silence", steward.VerbUnsilence: "ended a silence",
}

// cameBack is what came back by mail.
func cameBack(c steward.Incoming) occasion {
	labels := map[steward.IncomingKind]web.Chip{
		steward.Reply: {Text: "reply", Tone: web.Good}, steward.AutoReply: {Text: "out of office", Tone: web.Quiet}, steward.HardBounce: {Text: "bounced", Tone: web.Bad},
		steward.SoftBounce: {Text: "bounced for now", Tone: web.Warn}, steward.Complaint: {Text: "called spam", Tone: web.Bad},
	}
	text := "From " + cmp.Or(c.Address, "an address that was forgotten")
	if c.Back != steward.NoDay && c.Back != 0 {
		text += ", back on " + longDay(c.Back)
	}
	if c.Detail != "" {
		text += ": " + c.Detail
	}
	return occasion{at: c.At, TimelineEntry: web.TimelineEntry{Kind: web.KindBack, Label: labels[c.Kind], Text: text}}
}
