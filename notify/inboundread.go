package notify

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"steward"
)

// A told is one thing that Slack tells of: what somebody did, and how they can
// be answered. One without a gesture's key asks for nothing: a link was opened, a
// form closed.
type told struct {
	gesture steward.Gesture
	// teams is every workspace that it names: where it happened, and whose the
	// person is.
	teams []string
	// trigger opens a form within three seconds of the click.
	trigger string
	// answers is where an answer that only they see can be posted for half an hour;
	// "" where there is no such place.
	answers string
	// asked is the fields of the form that was filled in; nil for none.
	asked []string
}

// nothing tells something that is taken without anything being done.
func (t told) nothing() bool { return t.gesture.Key == "" }

// errUnread is what Slack tells in a form that is not known here.
var errUnread = errors.New("what Slack tells is of a kind that is not known here")

// interaction is the parts that are read of what Slack tells of a click or a
// form. slack-go's own type reads the whole message with every block, and one
// block that it does not know would lose the click.
type interaction struct {
	Type        string `json:"type"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
	Team        struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID       string `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
		TeamID   string `json:"team_id"`
	} `json:"user"`
	Container struct {
		MessageTS string `json:"message_ts"`
		ChannelID string `json:"channel_id"`
	} `json:"container"`
	Actions []struct {
		ActionID       string `json:"action_id"`
		BlockID        string `json:"block_id"`
		Value          string `json:"value"`
		ActionTS       string `json:"action_ts"`
		SelectedOption struct {
			Value string `json:"value"`
		} `json:"selected_option"`
	} `json:"actions"`
	View struct {
		ID              string    `json:"id"`
		Hash            string    `json:"hash"`
		PrivateMetadata string    `json:"private_metadata"`
		State           formState `json:"state"`
	} `json:"view"`
}

// readInteraction reads what Slack tells of a click or a form. at is when it
// came, which holds where Slack does not say when it happened.
func readInteraction(payload []byte, at time.Time) (told, error) {
	var in interaction
	if err := json.Unmarshal(payload, &in); err != nil {
		return told{}, errors.New("what Slack tells cannot be read: it is not the JSON that is known here")
	}
	t := told{trigger: in.TriggerID, answers: in.ResponseURL, teams: []string{in.Team.ID, in.User.TeamID}}
	t.gesture = steward.Gesture{Via: steward.ViaSlack, At: at, User: in.User.ID, Team: firstOf(in.User.TeamID, in.Team.ID), UserName: oneLine(firstOf(in.User.Name, in.User.Username))}
	switch in.Type {
	case "block_actions":
		return t.clicked(in)
	case "view_submission":
		return t.filled(in)
	case "view_closed":
		return told{}, nil
	}
	return told{}, fmt.Errorf("%w: %s", errUnread, shorten(oneLine(in.Type), 60))
}

func (t told) clicked(in interaction) (told, error) {
	if len(in.Actions) == 0 || in.User.ID == "" {
		return told{}, errors.New("what Slack tells of a click names no person, or nothing that was clicked")
	}
	a := in.Actions[0] // one click is one action
	target, choice, err := ReadAction(a.ActionID, a.Value, a.SelectedOption.Value)
	if err != nil || target.Verb == "" {
		return told{}, err
	}
	g := &t.gesture
	g.Key = keyOf("click", g.Team, g.User, a.ActionTS, a.BlockID, a.ActionID, a.Value, a.SelectedOption.Value)
	g.At = happened(a.ActionTS, g.At)
	g.Verb, g.Target = target.Verb, target
	if choice != "" {
		g.Values = map[string]string{"choice": choice}
	}
	if c := in.Container; c.ChannelID != "" && c.MessageTS != "" {
		g.Card = c.ChannelID + "/" + c.MessageTS
	}
	return t, nil
}

func (t told) filled(in interaction) (told, error) {
	if in.User.ID == "" || in.View.ID == "" {
		return told{}, errors.New("what Slack tells of a form names no person, or no form")
	}
	about, err := readFormAbout(in.View.PrivateMetadata)
	if err != nil {
		return told{}, err
	}
	g := &t.gesture
	g.Values, t.asked = in.View.State.values()
	// A form that was sent back to be mended comes again under the same id and hash,
	// and is another one: what was filled in tells them apart.
	g.Key = keyOf("form", append([]string{g.Team, g.User, in.View.ID, in.View.Hash}, flat(g.Values)...)...)
	g.Verb, g.Target, g.Sent, g.Card = about.target.Verb, about.target, true, about.Card
	t.answers = firstOf(t.answers, about.Answers)
	return t, nil
}

// readCommand reads a slash command: the form's fields as Slack sends them.
func readCommand(get func(string) string, at time.Time) (told, error) {
	g := steward.Gesture{Via: steward.ViaSlack, At: at, User: get("user_id"), Team: get("team_id"), UserName: oneLine(get("user_name")), Words: strings.TrimSpace(get("text"))}
	if g.User == "" || get("command") == "" {
		return told{}, errors.New("what Slack tells of a command names no person, or no command")
	}
	g.Key = keyOf("command", g.Team, g.User, get("trigger_id"), get("command"), g.Words)
	return told{gesture: g, teams: []string{g.Team}, trigger: get("trigger_id"), answers: get("response_url")}, nil
}

// readCommandJSON reads a slash command as Socket Mode brings it.
func readCommandJSON(payload []byte, at time.Time) (told, error) {
	var fields map[string]any
	if err := json.Unmarshal(payload, &fields); err != nil {
		return told{}, errors.New("what Slack tells of a command is not JSON")
	}
	return readCommand(func(name string) string { s, _ := fields[name].(string); return s }, at)
}

// keyOf is the same for every time that Slack tells of one thing. It is a hash,
// since what a button says of itself may be long, and is kept with every act.
func keyOf(kind string, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return "slack-" + kind + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil))[:26])
}

func flat(values map[string]string) []string {
	var out []string
	for name, v := range values {
		out = append(out, name+"="+v)
	}
	slices.Sort(out)
	return out
}

// happened reads Slack's time of an action, such as 1548426417.840180. What lies
// in the future by our clock happened now: nothing may count from a moment that
// has not come.
func happened(ts string, now time.Time) time.Time {
	whole, _, _ := strings.Cut(ts, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds <= 0 || seconds > now.Unix() {
		return now
	}
	return time.Unix(seconds, 0).UTC()
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// mayAnswerAt tells a place of Slack's own: what is answered to a person must not
// be posted to whatever address a payload names. api is where the API is, for
// those who reach Slack by another address.
func mayAnswerAt(place, api string) bool {
	u, err := url.Parse(place)
	if err != nil || u.User != nil {
		return false
	}
	if own, err := url.Parse(api); err == nil && own.Host != "" && u.Host == own.Host && u.Scheme == own.Scheme {
		return true
	}
	host := u.Hostname()
	return u.Scheme == "https" && (host == "hooks.slack.com" || host == "hooks.slack-gov.com")
}
