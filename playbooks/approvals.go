package playbooks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"steward"
)

// A card asks one person about mails that wait for their approval. It is written
// when it goes and whenever it is drawn, from the mails as they stand: one or two
// are quoted whole, more are listed with a line each.

// wholeMails is how many mails a card quotes whole.
const wholeMails = 2

// asksFor tells a mail that is still to be decided where the card asks about it.
func asksFor(a steward.Asked) bool {
	return !a.Elsewhere && a.Mail.Message.State == steward.AwaitingApproval
}

// tells tells a mail that somebody else let go and of which the owner has yet to
// hear: their card goes, though there is nothing left to decide.
func tells(a steward.Asked, to steward.Recipient) bool {
	m := a.Mail.Message
	return !a.Elsewhere && to.Key != "manager" && m.Reason != steward.ReasonDeclined && !m.State.Settled() && m.State != steward.AwaitingApproval && m.ApprovedBy != string(to.Owner)
}

// Write is what a message says whose turn has come: its outreach in words, or, of
// a card that asks for approval, what it asks about.
func (s *Situation) Write(d steward.Dossier, carried []steward.Outreach) (steward.Content, error) {
	if d.Message.Kind == steward.Approval && len(d.Asked) > 0 {
		return s.request(d), nil
	}
	if d.Message.Kind == steward.Digest {
		return s.ComposeDigest(d, carried)
	}
	return s.Compose(d.Message, carried, d.Enrolments)
}

// Redrawn is what a card says when it is drawn anew: what it said, or, of a card
// that asks for approval, its mails as they stand. nil where that is not kept.
func (s *Situation) Redrawn(d steward.Dossier) steward.Content {
	switch {
	case d.Message.Kind == steward.Approval && len(d.Asked) > 0:
		return s.request(d)
	case d.Message.Content == nil:
		return s.erased(d.Message)
	}
	return *d.Message.Content
}

// erased is a card of which nothing is kept: that happens to what was sent only
// where somebody in it asked to be forgotten.
func (s *Situation) erased(m steward.Message) steward.Content {
	c := steward.Content{Title: "Erased", Severity: string(Info), Parts: []steward.ContentPart{{Markdown: "What this card said was erased: somebody in it asked to be forgotten."}}}
	if a, ok := s.account(m.Account); ok {
		c.Account = accountName(a)
	}
	return c
}

// erasedMail stands in the place of a mail of which nothing is kept.
const erasedMail = "What it said was erased: whom it was for asked to be forgotten."

// request is the card that asks for a go-ahead.
func (s *Situation) request(d steward.Dossier) steward.Content {
	whole := len(d.Asked) <= wholeMails
	c := steward.Content{Severity: string(Info)}
	for _, a := range d.Asked {
		if whole {
			c.Parts = append(c.Parts, s.wholeMail(d, a))
		} else {
			c.Parts = append(c.Parts, s.mailLine(d, a))
		}
	}
	first := d.Asked[0].Mail
	switch n := len(d.Asked); {
	case n == 1:
		c.Title, c.Account, c.Facts = "A mail waits for you", contentAccount(first), s.mailFacts(d, d.Asked[0])
		switch {
		case !asksFor(d.Asked[0]):
			c.Title = "A mail to your customer"
		case d.Asked[0].Veto > 0:
			c.Title = "A mail goes out unless you stop it"
		}
		s.links(&c, first.Message.Account, d.Message.To.Owner)
		if mail := first.Message.Content; mail != nil && len(first.Outreach) > 0 {
			s.Book.tellLanguage(&c, first.Outreach[0].Wording, mail.Locale)
		}
		c.Footer = fmt.Sprintf("Send it: steward approve %s · Stop it: steward approve %s --decline", first.Message.ID, first.Message.ID)
	default:
		c.Title = fmt.Sprintf("%d mails wait for you", n)
		if !slices.ContainsFunc(d.Asked, func(a steward.Asked) bool { return a.Veto == 0 }) {
			c.Title = fmt.Sprintf("%d mails go out unless you stop them", n)
		}
		c.Footer = "Look at them: steward outreach --state awaiting_approval · Send one: steward approve MESSAGE"
	}
	return c
}

func contentAccount(d steward.Dossier) string {
	if c := d.Message.Content; c != nil && c.Account != "" {
		return c.Account
	}
	return plainLine(string(d.Message.Account))
}

// mailTo is whom a mail goes to, and as what.
func mailTo(m steward.Message) string {
	return cmp.Or(plainLine(m.To.Name), m.To.Email, "somebody who was forgotten") + " (" + keyRole(m.To) + ")"
}

// mailFacts are what stands above a mail that is quoted whole.
func (s *Situation) mailFacts(d steward.Dossier, a steward.Asked) []steward.LabelledText {
	m := a.Mail.Message
	facts := []steward.LabelledText{{Label: "To", Text: mailTo(m)}}
	if c := m.Content; c != nil {
		if c.From != "" {
			facts = append(facts, steward.LabelledText{Label: "From", Text: c.From})
		}
		facts = append(facts, steward.LabelledText{Label: "Subject", Text: c.Title})
	}
	if until := m.Expires; !until.IsZero() && asksFor(a) {
		facts = append(facts, steward.LabelledText{Label: "Waits until", Text: s.momentWords(until, d.Message.To, m.Account)})
	}
	return facts
}

// wholeMail is a mail as it will look, with why it is sent and what has changed
// since it was written.
func (s *Situation) wholeMail(d steward.Dossier, a steward.Asked) steward.ContentPart {
	m, p := a.Mail.Message, s.mailPart(a)
	if m.Content == nil || len(m.Content.Parts) == 0 {
		p.Markdown = erasedMail
		return p
	}
	var md []string
	if len(d.Asked) > 1 {
		md = append(md, fmt.Sprintf("To %s: **%s**", escapeMarkdown(mailTo(m)), escapeMarkdown(m.Content.Title)))
	}
	if asksFor(a) {
		md = append(md, s.askWords(d, a))
		if since := s.since(a); len(since) > 0 {
			lines := []string{"**Changed since it was written:**", ""}
			for _, x := range since {
				lines = append(lines, "- "+escapeMarkdown(x))
			}
			md = append(md, strings.Join(lines, "\n"))
		}
	}
	md = append(md, quoted(m.Content.Parts[0].Markdown))
	p.Markdown = strings.Join(md, "\n\n")
	if b := m.Content.Basis; b != nil {
		p.Evidence = b.Evidence
	}
	return p
}

// mailLine is one mail among many: whom it goes to, its subject, and whether to
// look twice.
func (s *Situation) mailLine(_ steward.Dossier, a steward.Asked) steward.ContentPart {
	m, p := a.Mail.Message, s.mailPart(a)
	p.Title, p.Account, p.AccountID = contentAccount(a.Mail)+", "+mailTo(m), contentAccount(a.Mail), m.Account
	if m.Content == nil {
		p.Markdown = erasedMail
		return p
	}
	p.Markdown = escapeMarkdown(m.Content.Title)
	if !asksFor(a) {
		return p
	}
	if n := len(s.changed(a)); n > 0 {
		p.Why = countWords(n, "fact") + " changed since it was written: look at it first"
	}
	return p
}

// mailPart is what every mail's part has.
func (s *Situation) mailPart(a steward.Asked) steward.ContentPart {
	p := steward.ContentPart{Title: "Mail"}
	for i, o := range a.Mail.Outreach {
		p.Playbook, p.Enrolment = o.Playbook, o.Enrolment
		p.Title = s.titleOf(a.Mail.Enrolments[i])
		break
	}
	return p
}

// askWords says what comes of waiting.
func (s *Situation) askWords(d steward.Dossier, a steward.Asked) string {
	m := a.Mail.Message
	if a.Veto == 0 {
		if by := m.Approvers; len(by) > 0 && by[0] != d.Message.To.Owner && d.Message.To.Key == "approver" && s.Book.owners[by[0]].ID != "" && slices.Contains(by, d.Message.To.Owner) {
			return "It goes out once " + escapeMarkdown(s.Book.named(string(by[0]))) + " approves it, or you do:"
		}
		return "It goes out once you approve it:"
	}
	goes := m.Veto
	if !d.Message.State.Settled() { // nobody has heard of it: the time to stop it begins when they do
		goes = s.Now.Add(a.Veto)
	}
	return "It goes out on " + escapeMarkdown(s.momentWords(goes, d.Message.To, m.Account)) + " unless you stop it:"
}

// watched are facts that a mail rests on without saying so: what somebody would
// want to be told of that changes between the writing and the approval.
func (s *Situation) watched(a steward.Account, to steward.Recipient) []steward.LabelledText {
	var out []steward.LabelledText
	add := func(label, text string) {
		if text = plainLine(text); text != "" {
			out = append(out, steward.LabelledText{Label: label, Text: text})
		}
	}
	if a.RenewalDate != steward.NoDay {
		add("Renewal", longDate(a.RenewalDate))
	}
	if a.ARR.Known {
		add("ARR", money(a.ARR.Num, a.Currency))
	}
	add("Status", a.Status)
	add("Stage", s.stageOf(a))
	if h, ok := s.Health(a.ID, 0); ok {
		add("Health", h.Grade)
	}
	add("Owner", s.Book.owners[s.ownedBy(a).Owner].Name)
	for _, c := range s.contacts[a.ID] {
		if c.ID == to.Contact {
			add(personName(c), rolesWords(c.Roles))
		}
	}
	return out
}

// changed is what of a mail's facts is not as it was when it was written.
func (s *Situation) changed(a steward.Asked) []string {
	m := a.Mail.Message
	if m.Content == nil || m.Content.Basis == nil {
		return nil
	}
	account, ok := s.account(m.Account)
	if !ok {
		return []string{"The account is no longer in the data"}
	}
	now := s.watched(account, m.To)
	textOf := func(list []steward.LabelledText, label string) string {
		for _, f := range list {
			if f.Label == label {
				return f.Text
			}
		}
		return "not known"
	}
	var out []string
	labels := map[string]bool{}
	for _, f := range slices.Concat(m.Content.Basis.Facts, now) {
		was, is := textOf(m.Content.Basis.Facts, f.Label), textOf(now, f.Label)
		if !labels[f.Label] && was != is {
			out = append(out, fmt.Sprintf("%s: was %s, is %s", f.Label, was, is))
		}
		labels[f.Label] = true
	}
	return out
}

// since is what has changed since a mail was written: facts, why it was written,
// and what it would say today.
func (s *Situation) since(a steward.Asked) []string {
	out := s.changed(a)
	if m := a.Mail.Message; m.Reason == steward.ReasonReplied {
		out = append(out, upperFirst(plainLine(m.Detail))+"; read that first")
	}
	if len(a.Mail.Outreach) == 0 || a.Mail.Message.Content == nil {
		return out
	}
	was := a.Mail.Message.Content
	l, err := s.letter(a.Mail.Outreach[0], a.Mail.Enrolments[0])
	if err != nil {
		return append(out, "It could not be written today: "+err.Error())
	}
	if b := was.Basis; b != nil && len(b.Evidence) > 0 {
		if now := l.evidence(); !slices.Equal(now, b.Evidence) && len(now) > 0 {
			out = append(out, "Why it is sent reads today: "+strings.Join(now, "; "))
		}
	}
	if was.Basis != nil && was.Basis.By != "" {
		return out // a person wrote it, and knows what it says
	}
	now, err := s.mail(l)
	if err != nil || now.Title == was.Title && now.Parts[0].Markdown == was.Parts[0].Markdown {
		return out
	}
	return append(out, differs(was, &now))
}

// differs shows where two texts of a mail part.
func differs(was, now *steward.Content) string {
	a, b := strings.Split(was.Title+"\n"+was.Parts[0].Markdown, "\n"), strings.Split(now.Title+"\n"+now.Parts[0].Markdown, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("Written today, “%s” would read “%s”", clipped(unescapeMarkdown(a[i])), clipped(unescapeMarkdown(b[i])))
		}
	}
	return "Written today, its text would be another"
}

// clipped is a line short enough to be quoted in a sentence.
func clipped(line string) string {
	const most = 160
	if r := []rune(line); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return line
}

// changesSeen names what a card pointed out, so that an approval is of a mail
// whose changes were seen; "" for none.
func changesSeen(changes []string) string {
	if len(changes) == 0 {
		return ""
	}
	h := sha256.Sum256([]byte(strings.Join(changes, "\n")))
	return hex.EncodeToString(h[:6])
}

// approvalFace is what has become of the mails of a card, and what can still be
// done with each.
func (s *Situation) approvalFace(d steward.Dossier) steward.Face {
	var f steward.Face
	open := 0
	for _, a := range d.Asked {
		var p steward.PartFace
		if asksFor(a) {
			open++
			p.Buttons = s.mailButtons(d, a)
		} else {
			p.Marks = []string{s.mailFate(a)}
		}
		f.Parts = append(f.Parts, p)
	}
	switch {
	case len(d.Asked) == 0:
		return steward.Face{}
	case len(d.Asked) == 1 && open == 0:
		return steward.Face{Over: f.Parts[0].Marks[0]}
	case len(d.Asked) == 1:
		return steward.Face{Buttons: f.Parts[0].Buttons}
	case open == 0:
		f.Over = "All of them are decided"
	case open > 1:
		f.Buttons = []steward.Button{
			{Target: steward.Target{Verb: steward.VerbApproveAll, Message: d.Message.ID, Item: s.seenOnCard(d)}, Label: fmt.Sprintf("Approve all %d", open), Style: "primary",
				Confirm: fmt.Sprintf("%d mails go out as they are, each when its hour comes.", open)},
		}
		if len(d.Asked) > wholeMails {
			f.Buttons = append(f.Buttons, steward.Button{Target: steward.Target{Verb: steward.VerbLook, Message: d.Message.ID}, Label: "Look at each"})
		}
	}
	return f
}

// mailButtons is what can be done with one mail that waits.
func (s *Situation) mailButtons(d steward.Dossier, a steward.Asked) []steward.Button {
	m := a.Mail.Message
	of := func(v steward.Verb) steward.Target {
		return steward.Target{Verb: v, Message: m.ID, Version: m.Version}
	}
	stop := steward.Button{Target: of(steward.VerbDecline), Label: "Decline"}
	if a.Veto > 0 {
		stop = steward.Button{Target: of(steward.VerbDecline), Label: "Stop it", Style: "danger"}
	}
	if len(d.Asked) > wholeMails {
		return []steward.Button{{Target: of(steward.VerbLook), Label: "Look at it"}, stop}
	}
	approve := steward.Button{Target: of(steward.VerbApprove), Label: "Approve", Style: "primary"}
	approve.Target.Item = changesSeen(s.changed(a))
	if a.Veto > 0 {
		approve.Label = "Send it now"
	}
	return []steward.Button{approve, {Target: of(steward.VerbRewrite), Label: "Edit"}, stop}
}

// seenOnCard names every mail that waits on a card, with its text and what had
// changed: approving all is approving what was listed.
func (s *Situation) seenOnCard(d steward.Dossier) string {
	var lines []string
	for _, a := range d.Asked {
		if asksFor(a) {
			lines = append(lines, fmt.Sprintf("%s %d %s", a.Mail.Message.ID, a.Mail.Message.Version, changesSeen(s.changed(a))))
		}
	}
	return changesSeen(lines)
}

// mailFate is what became of a mail that was asked about.
func (s *Situation) mailFate(a steward.Asked) string {
	m := a.Mail.Message
	if a.Elsewhere {
		return "Somebody else is asked about it now"
	}
	by := "Nobody stopped it"
	if m.ApprovedBy != "" {
		by = "Approved by " + s.Book.named(m.ApprovedBy)
	}
	replied := ""
	for _, e := range a.Mail.Enrolments {
		if !e.RepliedAt.IsZero() && m.State.Settled() && !e.RepliedAt.Before(m.Settled) {
			replied = ", and they replied on " + s.dayWords(e.RepliedAt)
		}
	}
	switch m.State {
	case steward.Sent:
		if m.Reason == steward.ReasonBounced {
			return by + "; sent, and it bounced: " + plainLine(m.Detail)
		}
		return by + "; sent on " + s.momentWords(m.Settled, steward.Recipient{}, m.Account) + replied
	case steward.Uncertain:
		return by + "; whether it was delivered is not known" + replied
	case steward.FailedToSend:
		return by + "; it could not be delivered: " + plainLine(m.Detail)
	case steward.Expired:
		if m.ApprovedBy == "" {
			return "Nobody approved it in time"
		}
		return by + "; its time was over before it could go"
	case steward.Suppressed:
		switch m.Reason {
		case steward.ReasonDeclined:
			return upperFirst(s.declinedWords(m.Detail))
		case steward.ReasonEpisodeOver, steward.ReasonByHand:
			return "Not sent: " + plainLine(m.Detail)
		}
		if m.ApprovedBy != "" {
			return by + "; not sent: " + plainLine(m.Detail)
		}
		return "Not sent: " + plainLine(m.Detail)
	case steward.Deferred:
		return by + "; it waits: " + plainLine(m.Detail)
	}
	return by + "; it goes out when its hour comes"
}

// declinedWords has people's names in place of their ids.
func (s *Situation) declinedWords(detail string) string {
	rest, ok := strings.CutPrefix(detail, "declined by ")
	if !ok {
		return plainLine(detail)
	}
	who, why, found := strings.Cut(rest, ": ")
	out := "declined by " + s.Book.named(who)
	if found {
		out += ": " + plainLine(why)
	}
	return out
}

// decidable is the mail that a deed is about, or why nothing can be decided.
func (s *Situation) decidable(d Doing) (steward.Message, string) {
	if d.Dossier == nil {
		return steward.Message{}, "That mail is not kept any more, so there is nothing to decide."
	}
	m := d.Dossier.Message
	switch {
	case m.Kind != steward.Mail:
		return m, "That is not a mail that waits for approval."
	case m.State != steward.AwaitingApproval:
		return m, "Nothing was done: it is decided. " + s.mailFate(steward.Asked{Mail: *d.Dossier}) + "."
	case !s.mayApprove(d.By, m):
		return m, "Nothing was done: " + s.approverWords(m) + " may decide about this mail."
	case d.Target.Version != 0 && d.Target.Version != m.Version:
		return m, fmt.Sprintf("Nothing was done: its text has changed since you saw it (version %d by now, not %d). Read it again first; a card shows the new one.", m.Version, d.Target.Version)
	}
	return m, ""
}

// mayApprove tells who may let a mail go: those it names, and the workspace's
// list.
func (s *Situation) mayApprove(by Doer, m steward.Message) bool {
	return by.Ops || by.Owner.ID != "" && slices.Contains(m.Approvers, by.Owner.ID)
}

// approverWords names those who may.
func (s *Situation) approverWords(m steward.Message) string {
	var names []string
	for _, id := range m.Approvers {
		if name := s.Book.named(string(id)); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "only ops (approvers: in steward.yaml)"
	}
	return "only " + orWords(names)
}

func orWords(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	return strings.Join(names, "")
}

// approveDeed lets a mail go, as it was seen.
func approveDeed(s *Situation, d Doing) Done {
	m, why := s.decidable(d)
	if why != "" {
		return refusedMail(d, why)
	}
	if d.Via == steward.ViaSlack { // the card has pointed out what changed, or does now
		if changes := s.changed(steward.Asked{Mail: *d.Dossier}); changesSeen(changes) != d.Target.Item {
			if len(changes) == 0 {
				return refusedMail(d, "Nothing was done: what had changed since it was written is as it was again. Look at the card, and press once more.")
			}
			return refusedMail(d, "Nothing was done, as facts have changed since it was written: "+strings.Join(changes, "; ")+". Press again to send it all the same.")
		}
	}
	return Done{Act: mailAct(d, m), Change: steward.Change{Account: m.Account, Approvals: []steward.Approved{{Message: m.ID, Version: m.Version, By: d.By.id(), Go: true}}},
		Answer: steward.Answer{Text: "Approved: it goes to " + mailTo(m) + s.whenWords(*d.Dossier) + "."}}
}

// whenWords is when an approved mail goes, as the end of a sentence.
func (s *Situation) whenWords(d steward.Dossier) string {
	if len(d.Outreach) == 0 {
		return ""
	}
	d.Message.State = steward.Planned
	switch v := s.At(s.Now, s.Memory).Judge(d); {
	case v.Effect == steward.Defer && !v.Until.IsZero():
		return " once " + s.momentWords(v.Until, d.Message.To, d.Message.Account) + " has come, as " + plainLine(v.Detail)
	case v.Effect == steward.Defer:
		return " later, as " + plainLine(v.Detail)
	case v.Effect == steward.Suppress:
		return ", but as things stand it will be held back: " + plainLine(v.Detail)
	}
	return " within a minute"
}

// declineDeed stops a mail.
func declineDeed(s *Situation, d Doing) Done {
	m, why := s.decidable(d)
	if why != "" {
		return refusedMail(d, why)
	}
	text := strings.TrimSpace(d.Values[textField])
	if !d.Sent && text == "" && d.Via == steward.ViaSlack {
		t := d.Target
		t.Verb, t.Version = d.Verb, m.Version
		return asks(steward.Form{Title: "Stop the mail", Intro: "The mail to " + mailTo(m) + " is not sent.", Submit: "Stop it", Target: t,
			Fields: []steward.FormField{{Name: textField, Label: "Why", Hint: "Whoever wrote the playbook learns from it.", Kind: steward.ShortText, Optional: true}}})
	}
	act := mailAct(d, m)
	act.Text = text
	return Done{Act: act, Change: steward.Change{Account: m.Account, Approvals: []steward.Approved{{Message: m.ID, Version: m.Version, By: d.By.id(), Why: text}}},
		Answer: steward.Answer{Text: "Stopped: the mail to " + mailTo(m) + " is not sent."}}
}

// Limits of what a mail's text can be edited to. What is longer than a form takes
// is edited elsewhere.
const (
	longestInForm  = 3000
	longestSubject = 200
	longestBody    = 20_000
)

// Fields of the form that edits a mail.
const (
	SubjectText = "subject_line"
	BodyText    = "body"
)

// rewriteDeed gives a mail another text. It is the editor's, and goes by their
// word: nobody who wrote it need approve it again.
func rewriteDeed(s *Situation, d Doing) Done {
	m, why := s.decidable(d)
	switch {
	case why != "":
		return refusedMail(d, why)
	case m.Content == nil || len(m.Content.Parts) == 0:
		return refusedMail(d, "Its text is not kept any more, so it cannot be edited. Decline it.")
	}
	if !d.Sent && d.Values[BodyText] == "" {
		body := editable(m.Content.Parts[0].Markdown)
		if len([]rune(body)) > longestInForm {
			where := "with: steward approve " + string(m.ID) + " --text FILE"
			return refusedMail(d, fmt.Sprintf("This mail is longer than the %d characters that can be edited in Slack. Edit it %s", longestInForm, where))
		}
		t := d.Target
		t.Verb, t.Version = d.Verb, m.Version
		return asks(steward.Form{Title: "Edit the mail", Intro: "To " + mailTo(m) + ". Saving approves it as you wrote it.", Submit: "Save and approve", Target: t, Fields: []steward.FormField{
			{Name: SubjectText, Label: "Subject", Kind: steward.ShortText, Value: m.Content.Title},
			{Name: BodyText, Label: "Text, as Markdown", Kind: steward.LongText, Value: body}}})
	}
	subject, body := plainLine(d.Values[SubjectText]), strings.TrimSpace(strings.ReplaceAll(d.Values[BodyText], "\r\n", "\n"))
	if subject == "" && !d.Sent {
		subject = m.Content.Title
	}
	switch {
	case subject == "":
		return wrong(d, SubjectText, "A mail without a subject looks like spam. Write one.")
	case len([]rune(subject)) > longestSubject:
		return wrong(d, SubjectText, "That is longer than %d characters; most readers see sixty.", longestSubject)
	case body == "":
		return wrong(d, BodyText, "There is no text. To stop the mail, decline it.")
	case len([]rune(body)) > longestBody:
		return wrong(d, BodyText, "That is longer than %d characters.", longestBody)
	}
	content := *m.Content
	content.Title, content.Parts = subject, slices.Clone(m.Content.Parts)
	if body != editable(m.Content.Parts[0].Markdown) { // else as it was, with its escapes
		content.Parts[0].Markdown = body
	}
	basis := steward.Basis{}
	if m.Content.Basis != nil {
		basis = *m.Content.Basis
	}
	basis.By = d.By.id()
	content.Basis = &basis
	act := mailAct(d, m)
	act.Text = subject
	return Done{Act: act, Change: steward.Change{Account: m.Account, Approvals: []steward.Approved{{Message: m.ID, Version: m.Version, By: d.By.id(), Go: true, Content: &content, Hash: ContentHash(content)}}},
		Answer: steward.Answer{Text: "Saved and approved: it goes to " + mailTo(m) + s.whenWords(*d.Dossier) + "."}}
}

// editable is Markdown as people edit it: without the escapes of what cannot be
// markup where it stands. What could begin a list, or make a link of an address,
// keeps its own.
func editable(md string) string {
	const harmless, beforeSpace = ",;'\"%$=^+-()!", ".&"
	var b strings.Builder
	lineBegins := true
	for i := 0; i < len(md); i++ {
		c := md[i]
		if c == '\\' && i+1 < len(md) {
			next := md[i+1]
			ends := i+2 == len(md) || md[i+2] == ' ' || md[i+2] == '\n'
			switch {
			case !lineBegins && (strings.IndexByte(harmless, next) >= 0 || ends && strings.IndexByte(beforeSpace, next) >= 0):
			default:
				b.WriteByte(c)
			}
			i++
			c = next
		}
		b.WriteByte(c)
		lineBegins = c == '\n' || lineBegins && (c == ' ' || c == '>' || c >= '0' && c <= '9')
	}
	return b.String()
}

// approveAllDeed lets every mail go that waits on a card, as far as whoever
// presses may.
func approveAllDeed(s *Situation, d Doing) Done {
	if d.Dossier == nil || d.Dossier.Message.Kind != steward.Approval {
		return refused(d, "That card is not kept any more. What waits is listed by /steward mine.")
	}
	if seen := s.seenOnCard(*d.Dossier); seen != d.Target.Item && d.Via == steward.ViaSlack {
		if seen == "" {
			return refusedMail(d, "Nothing was done: all of them are decided.")
		}
		return refusedMail(d, "Nothing was done: what the card lists has changed since it was drawn. It shows what waits now; look, and press again.")
	}
	var change steward.Change
	var not []steward.Message
	for _, a := range d.Dossier.Asked {
		m := a.Mail.Message
		switch {
		case !asksFor(a):
		case !s.mayApprove(d.By, m):
			not = append(not, m)
		default:
			change.Approvals = append(change.Approvals, steward.Approved{Message: m.ID, Version: m.Version, By: d.By.id(), Go: true})
		}
	}
	switch {
	case len(change.Approvals) == 0 && len(not) > 0:
		return refused(d, "Nothing was done: "+s.approverWords(not[0])+" may decide about these mails.")
	case len(change.Approvals) == 0:
		return refusedMail(d, "Nothing was done: all of them are decided.")
	}
	act := actOf(d)
	act.Account, act.Text = "", countWords(len(change.Approvals), "mail")
	said := "Approved: " + countWords(len(change.Approvals), "mail") + ". Each goes when its hour comes."
	if len(not) > 0 {
		said += fmt.Sprintf(" %s still: %s may decide about them.", upperFirst(countWords(len(not), "mail")+" wait"), s.approverWords(not[0]))
	}
	return Done{Act: act, Change: change, Answer: steward.Answer{Text: said}}
}

// mailAct is an act about a mail.
func mailAct(d Doing, m steward.Message) steward.Act {
	a := actOf(d)
	a.Message, a.Account = m.ID, m.Account
	if d.Dossier != nil && len(d.Dossier.Outreach) == 1 {
		a.Enrolment, a.Playbook = d.Dossier.Outreach[0].Enrolment, d.Dossier.Outreach[0].Playbook
	}
	return a
}

// refusedMail is a refusal after which the card is drawn as things stand.
func refusedMail(d Doing, why string) Done {
	done := refused(d, why)
	if d.Dossier != nil {
		done.Change = steward.Change{Account: d.Dossier.Message.Account, Repaint: []steward.MessageID{d.Dossier.Message.ID}}
	}
	return done
}

// lookAtMail shows one mail, or all of a card's, whole, to whoever asks.
func (s *Situation) lookAtMail(d Doing) (Done, bool) {
	if d.Dossier == nil {
		return Done{}, false
	}
	m := d.Dossier.Message
	var asked []steward.Asked
	switch m.Kind {
	case steward.Mail:
		a := steward.Asked{Mail: *d.Dossier}
		if !m.Veto.IsZero() {
			a.Veto = max(time.Second, m.Veto.Sub(m.Planned))
		}
		asked = []steward.Asked{a}
	case steward.Approval:
		asked = slices.DeleteFunc(slices.Clone(d.Dossier.Asked), func(a steward.Asked) bool { return !asksFor(a) })
	default:
		return Done{}, false
	}
	if len(asked) == 0 {
		return Done{Answer: steward.Answer{Text: "All of them are decided."}}, true
	}
	shown := steward.Dossier{Message: steward.Message{ID: m.ID, Kind: steward.Approval, State: steward.Sent, To: recipientOf(d.By.Owner, "owner"), Account: m.Account}}
	var c steward.Content
	var f steward.Face
	for _, a := range asked {
		shown.Asked = []steward.Asked{a}
		one := s.request(shown)
		part := one.Parts[0]
		if len(asked) == 1 {
			c, f = one, s.approvalFace(shown)
			break
		}
		part.Account, part.AccountID, part.Facts, part.Evidence = one.Account, a.Mail.Message.Account, one.Facts, nil
		c.Parts = append(c.Parts, part)
		f.Parts = append(f.Parts, steward.PartFace{Buttons: s.mailButtons(shown, a)})
	}
	if len(asked) > 1 {
		c.Title, c.Severity = fmt.Sprintf("%d mails wait", len(asked)), string(Info)
	}
	return Done{Answer: steward.Answer{Content: &c, Face: f}}, true
}
