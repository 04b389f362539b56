package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"steward"
)

// A Desk takes what somebody did. An error says that it was not taken, so that
// Slack is not told that it was. It is given little time, must take what is told
// twice once, and may be called by several at once.
type Desk func(context.Context, steward.Gesture) (steward.Answer, error)

// Slack shows people a warning, and tells again, three seconds after a click that
// nobody took.
const (
	deskWithin   = 2500 * time.Millisecond
	formWithin   = 2500 * time.Millisecond
	answerWithin = 10 * time.Second
	// toldKept is for how long what was taken is known here, so that what Slack tells
	// again is not answered again. That it does nothing again is the database's care.
	toldKept = 15 * time.Minute
	// mostAtOnce bounds what is under way at the same time; Slack tells the rest
	// again.
	mostAtOnce = 64
	// sameTrouble is how often trouble that goes on is logged.
	sameTrouble = 10 * time.Minute
)

// InboxConfig is what an Inbox needs.
type InboxConfig struct {
	// AppToken, xapp-…, has it called by Socket Mode; SigningSecret by HTTP. With
	// both, Socket Mode is used.
	AppToken, SigningSecret steward.Secret
	// Team is the only workspace that is listened to; "" for that of the bot.
	Team string
	Desk Desk
	// Now is the clock that calls are held to; nil for time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// An Inbox takes what people do in Slack: clicks, forms and commands. It hands
// them to the Desk, tells Slack that they were taken once they were, and shows
// people what they are answered.
//
// Whatever Slack tells again has the same key; the Inbox answers it once.
type Inbox struct {
	cfg   InboxConfig
	slack *SlackSender

	places chan struct{}  // how many are taken at once
	after  sync.WaitGroup // answers that are under way

	mu      sync.Mutex
	open    bool
	team    string
	taken   map[string]*taking
	counts  map[string]int
	trouble error
	since   time.Time // when the connection came up or went down
	up      bool
	said    map[string]time.Time
}

// A taking is one gesture on its way: what Slack is told of it, once done is
// closed.
type taking struct {
	done chan struct{}
	ack  any
	err  error
	at   time.Time
}

// The outcomes that are counted.
const (
	Answered  = "answered"   // taken, whatever it came to
	NotTaken  = "not_taken"  // the desk failed, or was too slow
	Elsewhere = "elsewhere"  // of another workspace
	Unread    = "unread"     // of no kind that is known here
	Unsigned  = "not_signed" // a call by HTTP that Slack did not make
)

// Outcomes is all of them.
func Outcomes() []string { return []string{Answered, NotTaken, Elsewhere, Unread, Unsigned} }

// NewInbox checks the configuration; it makes no call. Answers go out by s.
func NewInbox(cfg InboxConfig, s *SlackSender) (*Inbox, error) {
	if cfg.AppToken.IsZero() && cfg.SigningSecret.IsZero() {
		return nil, errors.New("slack has neither an app token nor a signing secret; set slack.app_token_env in steward.yaml and that variable")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Inbox{cfg: cfg, slack: s, places: make(chan struct{}, mostAtOnce), team: cfg.Team,
		taken: map[string]*taking{}, counts: map[string]int{}, said: map[string]time.Time{}, since: cfg.Now()}, nil
}

// Socket tells whether Slack is reached by Socket Mode, and not by HTTP.
func (in *Inbox) Socket() bool { return !in.cfg.AppToken.IsZero() }

// Run takes what comes until ctx is done, and returns once everything that was
// taken has been answered. With HTTP it is the Handler that brings it.
func (in *Inbox) Run(ctx context.Context) error {
	in.setOpen(true)
	// The connection outlives ctx by what is under way: what was taken is to be
	// acknowledged by the connection that brought it.
	connected, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	var line sync.WaitGroup
	if in.Socket() {
		line.Go(func() { in.listen(connected) })
	}
	<-ctx.Done()
	in.setOpen(false)
	in.after.Wait()
	hangUp()
	line.Wait()
	return nil
}

func (in *Inbox) setOpen(open bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.open = open
}

// enter is a place among those who are taken at once; false where there is none,
// or the inbox is closed: nobody waits here, as what Slack is not told was taken it
// tells again. leave gives the place back.
func (in *Inbox) enter() (leave func(), ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.open {
		return nil, false
	}
	select {
	case in.places <- struct{}{}:
	default:
		return nil, false
	}
	in.after.Add(1)
	return func() { <-in.places; in.after.Done() }, true
}

// take has the desk take something, and gives what Slack is to be told; on an
// error it is told nothing, or that it failed. What is left to say to the person
// is said after that, by the returned function, which must be called.
func (in *Inbox) take(ctx context.Context, t told) (ack any, then func(), err error) {
	if t.nothing() {
		return nil, func() {}, nil
	}
	mine, first := in.begin(t.gesture.Key)
	if !first {
		select {
		case <-mine.done:
			return mine.ack, func() {}, mine.err
		case <-ctx.Done():
			return nil, func() {}, ctx.Err()
		}
	}
	answer, outcome, err := in.ask(ctx, t)
	in.count(outcome)
	if err != nil {
		in.complain("what somebody did in Slack could not be taken", "verb", t.gesture.Verb, "error", redact(err.Error()))
		in.finish(t.gesture.Key, mine, nil, err)
		return nil, func() {}, err
	}
	if len(answer.Wrong) > 0 {
		if wrong := formWrong(answer.Wrong, t.asked); wrong != nil {
			ack = slack.NewErrorsViewSubmissionResponse(wrong)
		}
	}
	in.finish(t.gesture.Key, mine, ack, nil)
	return ack, func() { in.answer(ctx, t, answer) }, nil
}

// ask finds out whether it is of our workspace, and hands it to the desk.
func (in *Inbox) ask(ctx context.Context, t told) (answer steward.Answer, outcome string, err error) {
	team, err := in.ourTeam(ctx)
	if err != nil {
		return answer, NotTaken, fmt.Errorf("find out which workspace the bot is of: %w", err)
	}
	for _, other := range t.teams {
		if other != "" && other != team {
			in.complain("somebody of another Slack workspace pressed a button; slack.team in steward.yaml is the one that counts", "team", shorten(oneLine(other), 20))
			return steward.Answer{Text: "Nothing was done: this Steward belongs to another Slack workspace."}, Elsewhere, nil
		}
	}
	answer, err = in.cfg.Desk(ctx, t.gesture)
	if err == nil {
		err = ctx.Err() // too late to tell Slack, who will tell it again
	}
	if err != nil {
		return answer, NotTaken, err
	}
	return answer, Answered, nil
}

// begin finds out whether something is the first of its key.
func (in *Inbox) begin(key string) (mine *taking, first bool) {
	now := in.cfg.Now()
	in.mu.Lock()
	defer in.mu.Unlock()
	if t := in.taken[key]; t != nil {
		return t, false
	}
	for k, t := range in.taken {
		if !t.at.IsZero() && now.Sub(t.at) > toldKept {
			delete(in.taken, k)
		}
	}
	mine = &taking{done: make(chan struct{})}
	in.taken[key] = mine
	return mine, true
}

// finish lets those who wait for the same know. What was not taken is forgotten,
// so that it is taken when it is told again.
func (in *Inbox) finish(key string, t *taking, ack any, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	t.ack, t.err, t.at = ack, err, in.cfg.Now()
	if err != nil {
		delete(in.taken, key)
	}
	close(t.done)
}

// ourTeam is the workspace that is listened to.
func (in *Inbox) ourTeam(ctx context.Context) (string, error) {
	in.mu.Lock()
	team := in.team
	in.mu.Unlock()
	if team != "" {
		return team, nil
	}
	err := slackCall(ctx, "ask who the bot is", false, in.slack.cfg.Token, func(ctx context.Context) error {
		who, err := in.slack.client.AuthTestContext(ctx)
		if err == nil {
			team = who.TeamID
		}
		return err
	})
	if err == nil && team == "" {
		err = failed(steward.Unreachable, "bad_answer", "name the workspace as slack.team in steward.yaml", errors.New("ask who the bot is: the answer names no workspace"))
	}
	if err != nil {
		return "", err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.team = team
	return team, nil
}

// answer shows a person what they are answered. The click has been taken by now,
// and the card shows what came of it: what fails here is logged, not tried again.
func (in *Inbox) answer(ctx context.Context, t told, a steward.Answer) {
	ctx = context.WithoutCancel(ctx)
	text := a.Text
	if a.Form != nil {
		if err := in.openForm(ctx, t, *a.Form); err != nil {
			in.complain("a form could not be opened in Slack", "verb", t.gesture.Verb, "error", err)
			text = "The form could not be opened: " + whyNoForm(err)
		}
	}
	blocks, fallback := answerBlocks(text, a)
	if len(blocks) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := in.say(ctx, t, blocks, fallback); err != nil {
		in.complain("an answer could not be shown in Slack", "verb", t.gesture.Verb, "error", err)
	}
}

// tooLarge is a form that Slack has no room for; its text is for people.
type tooLarge struct{ error }

func (in *Inbox) openForm(ctx context.Context, t told, f steward.Form) error {
	view, err := FormView(f, t.gesture.Card, t.answers)
	if err != nil {
		return tooLarge{err}
	}
	ctx, cancel := context.WithTimeout(ctx, formWithin)
	defer cancel()
	return slackCall(ctx, "open a form", false, in.slack.cfg.Token, func(ctx context.Context) error {
		_, err := in.slack.client.OpenViewContext(ctx, t.trigger, view)
		return err
	})
}

func whyNoForm(err error) string {
	var large tooLarge
	var d *steward.DeliveryError
	switch {
	case errors.As(err, &large):
		return large.Error() + "."
	case errors.As(err, &d) && (d.Code == "expired_trigger_id" || d.Code == "trigger_expired" || d.Code == "timeout"):
		return "it took too long. Press again."
	case errors.As(err, &d):
		return "Slack says " + d.Code + ". Press again, and tell whoever looks after Steward if that does not help."
	}
	return "press again."
}

// answerBlocks is an answer as it is shown, nothing where there is nothing to
// say.
func answerBlocks(text string, a steward.Answer) (blocks []slack.Block, fallback string) {
	if text = shorten(strings.TrimSpace(manyLines(text)), maxFormText); text != "" {
		blocks = append(blocks, slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, text, false, false), nil, nil))
		fallback = shorten(slackutilsx.EscapeMessage(text), maxFallback)
	}
	if a.Content != nil {
		more, also := SlackBlocks(steward.Letter{Content: *a.Content, Face: a.Face})
		blocks = append(blocks, more...)
		fallback = firstOf(fallback, also)
	}
	return blocks, fallback
}

// say shows something to one person: at the place that Slack names for answers,
// which works in every channel and for half an hour; else beside the card.
func (in *Inbox) say(ctx context.Context, t told, blocks []slack.Block, fallback string) error {
	var err error
	if mayAnswerAt(t.answers, in.slack.cfg.APIURL) {
		err = slackCall(ctx, "answer", false, in.slack.cfg.Token, func(ctx context.Context) error {
			return slack.PostWebhookCustomHTTPContext(ctx, t.answers, in.slack.httpClient, &slack.WebhookMessage{
				ResponseType: slack.ResponseTypeEphemeral, Text: fallback, Blocks: &slack.Blocks{BlockSet: blocks},
			})
		})
		if err == nil {
			return nil
		}
	}
	channel, _, _ := strings.Cut(t.gesture.Card, "/")
	if channel == "" {
		return err
	}
	return slackCall(ctx, "answer beside the card", false, in.slack.cfg.Token, func(ctx context.Context) error {
		_, err := in.slack.client.PostEphemeralContext(ctx, channel, t.gesture.User, slack.MsgOptionText(fallback, false), slack.MsgOptionBlocks(blocks...),
			slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionParse(false), slack.MsgOptionLinkNames(false))
		return err
	})
}

// An InboxReport is how it stands with what comes from Slack.
type InboxReport struct {
	// Socket tells Socket Mode from HTTP; Connected and Since are about its
	// connection, and Trouble what is in its way.
	Socket, Connected bool
	Since             time.Time
	Trouble           string
	// Counts is by outcome, since the worker began.
	Counts map[string]int
}

// Report tells how it stands.
func (in *Inbox) Report() InboxReport {
	in.mu.Lock()
	defer in.mu.Unlock()
	r := InboxReport{Socket: in.Socket(), Connected: in.up, Since: in.since, Counts: map[string]int{}}
	if in.trouble != nil {
		r.Trouble = in.trouble.Error()
	}
	for _, o := range Outcomes() {
		r.Counts[o] = in.counts[o]
	}
	return r
}

func (in *Inbox) count(outcome string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.counts[outcome]++
}

// complain logs trouble of a kind, and is silent about the same for ten minutes:
// whoever can make it can make a lot of it.
func (in *Inbox) complain(what string, args ...any) {
	now := in.cfg.Now()
	in.mu.Lock()
	last, again := in.said[what]
	again = again && now.Sub(last) < sameTrouble && !now.Before(last)
	if !again {
		in.said[what] = now
	}
	in.mu.Unlock()
	if !again {
		in.cfg.Log.Warn(what, args...)
	}
}
