package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"steward"
)

const (
	// slackEvent is the metadata's event type, by which Find knows its own.
	slackEvent = "steward_message"
	// lookupsKept is for how long a channel or person that was looked up is
	// believed. Long enough to spare the lookups of a day's cards, short enough
	// that a person who was renamed is found the same morning.
	lookupsKept = time.Hour
	// maxSlackAnswer bounds what is read of one answer, in bytes.
	maxSlackAnswer = 8 << 20
	// slackTimeout is for one call, of which a Send makes up to three.
	slackTimeout = 30 * time.Second
	// longestPatience is the longest wait that is believed of a Retry-After.
	longestPatience = time.Hour
)

// SlackConfig is what a SlackSender needs.
type SlackConfig struct {
	// Token is the bot token, xoxb-….
	Token steward.Secret
	// APIURL replaces https://slack.com/api/, for GovSlack and for tests. It ends
	// with a slash.
	APIURL string
	// HTTP is the client to call with; nil for one with a time limit of 30
	// seconds. Redirects are never followed, since the token is in the body.
	HTTP *http.Client
	// Pictures is how the metrics behind findings are shown; see Pictures.
	Pictures Pictures
	// Mute leaves out what can be pressed, where nobody would hear of it. Links stay.
	Mute bool
	// Settle is how long a picture that was uploaded is given until Slack knows it;
	// 2 seconds if zero.
	Settle time.Duration
	// Within is for the whole of a Send; 90 seconds if zero.
	Within time.Duration
	// Now is the clock that lookups expire by; nil for time.Now.
	Now func() time.Time
}

// A SlackSender posts cards as a bot. It is safe for concurrent use.
type SlackSender struct {
	cfg    SlackConfig
	client *slack.Client
	// httpClient is for the few calls that are not of the API: bounded, and
	// following no redirect.
	httpClient *http.Client

	mu      sync.Mutex
	lookups map[string]lookup // what was asked → the id
	drawn   drawn
}

type lookup struct {
	id    string
	until time.Time
}

// NewSlackSender checks the configuration; it makes no call.
func NewSlackSender(cfg SlackConfig) (*SlackSender, error) {
	if cfg.Token.IsZero() {
		return nil, errors.New("slack has no bot token; set slack.bot_token_env in steward.yaml and that variable")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Within <= 0 {
		cfg.Within = sendWithin
	}
	if cfg.Settle <= 0 {
		cfg.Settle = 2 * time.Second
	}
	base := cfg.HTTP
	if base == nil {
		base = &http.Client{Timeout: slackTimeout}
	}
	client := *base
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := &SlackSender{cfg: cfg, httpClient: &client, lookups: map[string]lookup{}, drawn: drawn{within: uploadWithin}}
	s.client = s.clientOf(steward.Secret{})
	return s, nil
}

// clientOf calls the API with the bot's token, and with the app's where that is
// asked for.
func (s *SlackSender) clientOf(app steward.Secret) *slack.Client {
	opts := []slack.Option{slack.OptionHTTPClient(boundedClient{s.httpClient}), slack.OptionAppLevelToken(app.Reveal())}
	if s.cfg.APIURL != "" {
		opts = append(opts, slack.OptionAPIURL(strings.TrimSuffix(s.cfg.APIURL, "/")+"/"))
	}
	return slack.New(s.cfg.Token.Reveal(), opts...)
}

// String is the sender without its token, which fmt would otherwise dig out of
// the client's unexported fields.
func (s *SlackSender) String() string { return "slack sender" }

// GoString is the same for %#v.
func (s *SlackSender) GoString() string { return s.String() }

// boundedClient reads no more of an answer than could be one, and mends a
// Retry-After that the library would stumble over: a date, nonsense, a number
// beyond any clock.
type boundedClient struct{ *http.Client }

func (c boundedClient) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.Client.Do(req)
	if err != nil {
		return nil, err
	}
	if after := resp.Header.Get("Retry-After"); after != "" {
		seconds, err := strconv.ParseUint(after, 10, 32)
		switch longest := uint64(longestPatience / time.Second); {
		case err != nil:
			resp.Header.Del("Retry-After")
		case seconds > longest:
			resp.Header.Set("Retry-After", strconv.FormatUint(longest, 10))
		}
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxSlackAnswer)
	return resp, nil
}

// Send posts one card and returns its channel and timestamp as the Ref. The
// message's id travels in the card's metadata, so that Find can tell after an
// unknowable outcome whether it is there. A card that follows up an earlier one
// in the same channel goes into that one's thread; a critical one is shown in the
// channel as well.
func (s *SlackSender) Send(ctx context.Context, l steward.Letter) (steward.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Within)
	defer cancel()
	channel, err := s.channel(ctx, l.Message.To)
	if err != nil {
		return steward.Receipt{}, err
	}
	thread, err := s.thread(ctx, channel, l.Thread)
	if err != nil {
		return steward.Receipt{}, err
	}
	var posted, ts string
	post := func(blocks []slack.Block, fallback string) error {
		options := append(cardOptions(l.Message.ID, blocks, fallback), threadOptions(thread, l.Content)...)
		return slackCall(ctx, "post the card", true, s.cfg.Token, func(ctx context.Context) error {
			var err error
			posted, ts, err = s.client.PostMessageContext(ctx, channel, options...)
			return err
		})
	}
	err = s.illustrated(ctx, l, post)
	if thread != "" && threadIsGone(err) {
		thread = "" // what it follows was deleted: it stands by itself
		err = s.illustrated(ctx, l, post)
	}
	switch {
	case err != nil:
		var d *steward.DeliveryError
		if errors.As(err, &d) && d.Kind == steward.Refused {
			s.forget(channel)
		}
		return steward.Receipt{}, err
	case ts == "": // an answer without ok and without error
		return steward.Receipt{}, failed(steward.Unknowable, "bad_answer", "look whether the message is there",
			errors.New("post the card: Slack's answer names no message"))
	}
	if strings.HasPrefix(channel, "#") {
		s.remember("channel "+channel, posted) // Find will want it
	}
	return steward.Receipt{Ref: posted + "/" + ts}, nil
}

// cardOptions is the whole call but the channel. Text is escaped already;
// parse none and link_names false keep Slack from looking for names and
// addresses in it.
func cardOptions(id steward.MessageID, blocks []slack.Block, fallback string) []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(fallback, false),
		slack.MsgOptionBlocks(blocks...),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: slackEvent, EventPayload: map[string]any{"id": string(id)}}),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionDisableMarkdown(),
		slack.MsgOptionParse(false),
		slack.MsgOptionLinkNames(false),
	}
}

// botScopes is what the bot needs to say everything that Steward says, and to
// find out what became of it. The manifest of its app asks for the same.
var botScopes = []string{"chat:write", "im:write", "users:read", "users:read.email", "channels:read", "channels:history", "im:history", "files:write", "commands"}

// BotScopes is what the bot is to be given.
func BotScopes() []string { return slices.Clone(botScopes) }

// withoutScope is what is lost without a scope that cards can do without; "" for
// one that they cannot: apps that were made before it was asked for go on.
func withoutScope(scope string) string {
	switch scope {
	case "users:read":
		return "who presses is found by the member id in owners.yaml alone"
	case "files:write":
		return "pictures are drawn as text"
	case "commands":
		return "/steward is not there"
	}
	return ""
}

// Verify asks Slack who the token belongs to and what it may do, and answers in
// words.
func (s *SlackSender) Verify(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Within)
	defer cancel()
	var who *slack.AuthTestResponse
	err := slackCall(ctx, "check the bot token", false, s.cfg.Token, func(ctx context.Context) error {
		var err error
		who, err = s.client.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	words := fmt.Sprintf("Slack workspace %s, as %s", oneLine(who.Team), oneLine(who.User))
	var lacking []string
	for _, scope := range lackingScopes(who.Header) {
		if lost := withoutScope(scope); lost != "" {
			words += fmt.Sprintf("; without the scope %s, %s", scope, lost)
			continue
		}
		lacking = append(lacking, scope)
	}
	if len(lacking) > 0 {
		return "", failed(steward.Unauthorised, "missing_scope", slackHint("missing_scope"),
			errors.New("check the bot token: it lacks "+strings.Join(lacking, ", ")))
	}
	return words, nil
}

// lackingScopes reads what Slack says of a token beside every answer. Where it
// says nothing, nothing is known to lack.
func lackingScopes(h http.Header) (lacking []string) {
	said := h.Get("X-Oauth-Scopes")
	if said == "" {
		return nil
	}
	has := strings.FieldsFunc(said, func(r rune) bool { return r == ',' || r == ' ' })
	for _, scope := range botScopes {
		if !slices.Contains(has, scope) {
			lacking = append(lacking, scope)
		}
	}
	return lacking
}

// Find looks in the recipient's channel for the card of a message, by its
// metadata, among what was posted since the letter's Since (less a minute, for
// clocks that differ). Found means that it was delivered; not found and no error,
// that it is not there. A call that Slack is still busy with is not there yet: who
// means to send it again looks again right before that.
//
// An error leaves the outcome unknown, and no other call may follow it. Its kind
// says what it is a sign of, as with Send; NotNow that Slack does answer, and
// will not show this channel until a person mends something.
func (s *SlackSender) Find(ctx context.Context, l steward.Letter) (steward.Receipt, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, findWithin)
	defer cancel()
	since := l.Since
	if since.IsZero() {
		since = l.Message.Planned
	}
	receipt, found, err := s.look(ctx, l, since)
	var d *steward.DeliveryError
	if errors.As(err, &d) && d.Kind == steward.Refused {
		d.Kind = steward.NotNow // of the card nothing was learnt
	}
	return receipt, found, err
}

func (s *SlackSender) look(ctx context.Context, l steward.Letter, since time.Time) (steward.Receipt, bool, error) {
	channel, err := s.channel(ctx, l.Message.To)
	if err != nil {
		return steward.Receipt{}, false, err
	}
	if strings.HasPrefix(channel, "#") { // history wants the id
		if channel, err = s.channelID(ctx, channel); err != nil {
			return steward.Receipt{}, false, err
		}
	}
	oldest := fmt.Sprintf("%d.000000", since.Add(-time.Minute).Unix())
	if thread, err := s.thread(ctx, channel, l.Thread); err != nil {
		return steward.Receipt{}, false, err
	} else if thread != "" {
		receipt, found, err := s.lookThrough(channel, l.Message.ID, func(cursor string) (messages []slack.Message, next string, err error) {
			err = slackCall(ctx, "look for the card in its thread", false, s.cfg.Token, func(ctx context.Context) (err error) {
				var more bool
				messages, more, next, err = s.client.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
					ChannelID: channel, Timestamp: thread, Inclusive: true, IncludeAllMetadata: true, Limit: lookLimit, Oldest: oldest, Cursor: cursor})
				if !more {
					next = ""
				}
				return err
			})
			return messages, next, err
		})
		if found || err != nil && !threadIsGone(err) {
			return receipt, found, err
		}
	}
	return s.lookThrough(channel, l.Message.ID, func(cursor string) (messages []slack.Message, next string, err error) {
		err = slackCall(ctx, "look for the card", false, s.cfg.Token, func(ctx context.Context) error {
			page, err := s.client.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
				ChannelID: channel, Inclusive: true, IncludeAllMetadata: true, Limit: lookLimit, Oldest: oldest, Cursor: cursor})
			if err == nil && page.HasMore {
				next = page.ResponseMetaData.NextCursor
			}
			if err == nil {
				messages = page.Messages
			}
			return err
		})
		return messages, next, err
	})
}

// lookLimit is how many messages a page of history has.
const lookLimit = 999

// lookThrough goes through pages of messages for one of an id.
func (s *SlackSender) lookThrough(channel string, id steward.MessageID, page func(cursor string) ([]slack.Message, string, error)) (steward.Receipt, bool, error) {
	const maxPages = 10
	cursor := ""
	for range maxPages {
		messages, next, err := page(cursor)
		if err != nil {
			return steward.Receipt{}, false, err
		}
		for _, m := range messages {
			if m.Metadata.EventType == slackEvent && m.Metadata.EventPayload["id"] == string(id) {
				return steward.Receipt{Ref: channel + "/" + m.Timestamp}, true, nil
			}
		}
		if cursor = next; cursor == "" {
			return steward.Receipt{}, false, nil
		}
	}
	return steward.Receipt{}, false, failed(steward.NotNow, "too_much_history", "look for it in Slack by hand",
		fmt.Errorf("look for the card: more than %d messages since then", maxPages*lookLimit))
}

// channel is where to post for a recipient: a channel's name or id as it
// stands, a person's direct channel opened, by Slack id or by e-mail.
func (s *SlackSender) channel(ctx context.Context, to steward.Recipient) (string, error) {
	where := to.Slack
	if where == "" && strings.HasPrefix(to.Key, "#") {
		where = to.Key
	}
	switch {
	case where != "" && (where[0] == '#' || isSlackID(where, "CGD")):
		return where, nil
	case isSlackID(where, "UW"):
		return s.directChannel(ctx, where)
	case where != "":
		return "", failed(steward.Refused, "bad_slack_id", "write it as U012AB3CD or #channel in owners.yaml",
			errors.New("the recipient's slack entry is neither a person's id nor a channel"))
	case to.Email != "":
		user, err := s.userByEmail(ctx, to.Email)
		if err != nil {
			return "", err
		}
		return s.directChannel(ctx, user)
	}
	return "", failed(steward.Refused, "no_slack_address", "give the person a slack id or an e-mail in owners.yaml",
		errors.New("the recipient has neither"))
}

// isSlackID tells ids such as U012AB3CD from names, by first letter.
func isSlackID(s, first string) bool {
	return len(s) >= 2 && strings.IndexByte(first, s[0]) >= 0 &&
		strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func (s *SlackSender) directChannel(ctx context.Context, user string) (string, error) {
	return s.lookUp("dm "+user, func() (id string, err error) {
		err = slackCall(ctx, "open the direct channel", false, s.cfg.Token, func(ctx context.Context) error {
			c, _, _, err := s.client.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}, ReturnIM: true})
			if err == nil {
				id = c.ID
			}
			return err
		})
		return id, err
	})
}

func (s *SlackSender) userByEmail(ctx context.Context, email string) (string, error) {
	return s.lookUp("mail "+email, func() (id string, err error) {
		err = slackCall(ctx, "look the person up by e-mail", false, s.cfg.Token, func(ctx context.Context) error {
			u, err := s.client.GetUserByEmailContext(ctx, email)
			switch {
			case err != nil:
				return err
			case u.Deleted:
				return slack.SlackErrorResponse{Err: "user_disabled"}
			}
			id = u.ID
			return nil
		})
		return id, err
	})
}

// channelID finds a channel by name, among the public ones first: asking for
// private ones too fails as a whole where the bot may not list them. Archived
// ones are listed, since a card may be in one that was archived since.
func (s *SlackSender) channelID(ctx context.Context, name string) (string, error) {
	return s.lookUp("channel "+name, func() (string, error) {
		for _, kind := range []string{"public_channel", "private_channel"} {
			id, err := s.listed(ctx, name, kind)
			if err != nil || id != "" {
				return id, err
			}
		}
		return "", slackAnswer("channel_not_found", errors.New("find the channel's id"), false)
	})
}

// listed is the id of a channel of one kind, "" if there is none.
func (s *SlackSender) listed(ctx context.Context, name, kind string) (string, error) {
	p := &slack.GetConversationsParameters{Limit: 999, Types: []string{kind}}
	for {
		var page []slack.Channel
		var cursor string
		err := slackCall(ctx, "find the channel's id", false, s.cfg.Token, func(ctx context.Context) (err error) {
			page, cursor, err = s.client.GetConversationsContext(ctx, p)
			return err
		})
		if err != nil {
			return "", err
		}
		for _, c := range page {
			if c.Name == strings.TrimPrefix(name, "#") {
				return c.ID, nil
			}
		}
		if cursor == "" || cursor == p.Cursor {
			return "", nil
		}
		p.Cursor = cursor
	}
}

// lookUp answers from what was looked up within the last hour. Failures are not
// kept: the person may be mending it now. Two callers may look up the same at
// once; holding the lock over a call would let one slow answer hold up all.
func (s *SlackSender) lookUp(what string, ask func() (string, error)) (string, error) {
	s.mu.Lock()
	known, ok := s.lookups[what]
	s.mu.Unlock()
	if ok && s.cfg.Now().Before(known.until) {
		return known.id, nil
	}
	id, err := ask()
	if err != nil {
		return "", err
	}
	if id == "" {
		return "", failed(steward.Unreachable, "bad_answer", "the answer was not Slack's; is something between Steward and slack.com?",
			errors.New("look up the recipient: the answer names nobody"))
	}
	s.remember(what, id)
	return id, nil
}

func (s *SlackSender) remember(what, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookups[what] = lookup{id: id, until: s.cfg.Now().Add(lookupsKept)}
}

// forget drops what led to a channel that took nothing: who or what was looked
// up may have changed since.
func (s *SlackSender) forget(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.lookups, func(_ string, l lookup) bool { return l.id == channel })
}
