package notify

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"steward"
)

// throttledFor is how long to wait where Slack says "ratelimited" without
// saying for how long, as it does inside a 200.
const throttledFor = 30 * time.Second

// slackCall runs one call of the Slack API and sorts its failure. A call that
// posts may have been carried out once a connection was handed to it; a call
// that only looks something up never matters twice.
func slackCall(ctx context.Context, doing string, posts bool, secret steward.Secret, call func(context.Context) error) error {
	var wire wireTrace
	err := call(httptrace.WithClientTrace(ctx, wire.hooks()))
	if err == nil {
		return nil
	}
	return slackFailure(doing, err, posts && wire.mayHaveArrived(), posts, secret)
}

// wireTrace watches how far a request came. GotConn is called before anything
// is written and by the calling goroutine, so that its absence proves that
// nothing was sent; that WroteRequest has not been called proves nothing, since
// the call may be cancelled before the writing goroutine comes to it.
type wireTrace struct{ connected, broke atomic.Bool }

func (w *wireTrace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			w.broke.Store(false)
			w.connected.Store(true)
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil { // the body is incomplete; no server acts on that
				w.broke.Store(true)
			}
		},
	}
}

func (w *wireTrace) mayHaveArrived() bool { return w.connected.Load() && !w.broke.Load() }

// slackFailure sorts what a call came back with.
func slackFailure(doing string, err error, mayHaveArrived, posts bool, secret steward.Secret) *steward.DeliveryError {
	lost := steward.Unreachable
	if posts && mayHaveArrived {
		lost = steward.Unknowable
	}
	cause := withhold(doing, bare(err), secret.Reveal())

	var limited *slack.RateLimitedError
	var answer slack.SlackErrorResponse
	var status slack.StatusCodeError
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	var endless *http.MaxBytesError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &limited):
		d := failed(steward.Throttled, "ratelimited", "Slack asks to wait; it is tried again by itself", cause)
		d.RetryAfter = max(limited.RetryAfter, time.Second)
		return d
	case errors.As(err, &answer):
		return slackAnswer(redact(answer.Err, secret.Reveal()), cause, posts)
	case errors.As(err, &status):
		return slackStatus(status.Code, cause, lost)
	case errors.As(err, &syntax), errors.As(err, &shape), errors.As(err, &endless):
		return failed(lost, "bad_answer", "the answer was not Slack's; is something between Steward and slack.com?", cause)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return failed(lost, "timeout", "Slack did not answer in time", cause)
	case errors.As(err, &cert): // no message will pass until a person mends it
		return failed(steward.Unauthorised, "certificate", "the certificate that was shown is not Slack's: is a proxy in between whose certificate this machine does not know?", cause)
	}
	return failed(lost, "network", networkHint(lost), cause)
}

func networkHint(kind steward.FailureKind) string {
	if kind == steward.Unknowable {
		return "the connection was lost before Slack answered; look whether the message is there"
	}
	return "check that slack.com can be reached from here (DNS, proxy, firewall)"
}

// bare drops what net/http puts around an error: the method and the whole URL.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && !errors.Is(err, context.DeadlineExceeded) {
		err = errors.New(op.Op + ": " + op.Err.Error()) // without the addresses dialled
	}
	return err
}

func slackStatus(code int, cause error, lost steward.FailureKind) *steward.DeliveryError {
	word := fmt.Sprintf("http %d", code)
	switch {
	case code == http.StatusTooManyRequests:
		d := failed(steward.Throttled, "ratelimited", "Slack asks to wait; it is tried again by itself", cause)
		d.RetryAfter = throttledFor
		return d
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return failed(steward.Unauthorised, word, "check the bot token, and whether a proxy stands before slack.com", cause)
	case code >= 500:
		return failed(lost, word, "Slack has trouble; see status.slack.com", cause)
	default: // redirects and the like: not taken, and not by Slack
		return failed(steward.Unreachable, word, "the answer was not Slack's; is something between Steward and slack.com?", cause)
	}
}

// slackAnswer sorts an answer of Slack's own: {"ok": false, "error": word}.
func slackAnswer(word string, cause error, posts bool) *steward.DeliveryError {
	word = shorten(word, 60)
	switch word {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		d := failed(steward.Throttled, word, "Slack asks to wait; it is tried again by itself", cause)
		d.RetryAfter = throttledFor
		return d
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type",
		"org_login_required", "ekm_access_denied", "team_access_not_granted", "two_factor_setup_required", "accesslimited",
		"enterprise_is_restricted", "method_deprecated", "deprecated_endpoint", "team_not_found", "team_added_to_org":
		return failed(steward.Unauthorised, word, slackHint(word), cause)
	case "missing_scope":
		// The scope for posting stops everything. Those for finding a person stop
		// some cards only, while others, such as the one that tells ops, still pass.
		kind := steward.NotNow
		if posts {
			kind = steward.Unauthorised
		}
		return failed(kind, word, slackHint(word), cause)
	case "service_unavailable", "request_timeout":
		return failed(steward.Unreachable, word, "Slack has trouble; see status.slack.com", cause)
	case "messages_tab_disabled", "external_channel_migrating": // passes, or is mended, for this addressee
		return failed(steward.NotNow, word, slackHint(word), cause)
	case "fatal_error", "internal_error":
		// Slack's words: "it's possible some aspect of the operation succeeded
		// before the error was raised".
		kind := steward.Unreachable
		if posts {
			kind = steward.Unknowable
		}
		return failed(kind, word, "Slack has trouble; see status.slack.com", cause)
	}
	return failed(steward.Refused, word, slackHint(word), cause)
}

// slackHint says what a person can do about a word of Slack's.
func slackHint(word string) string {
	switch word {
	case "channel_not_found":
		return "check the channel's name; a private channel must be one the bot was invited to (/invite @steward)"
	case "not_in_channel", "no_permission":
		return "invite the bot to the channel (/invite @steward)"
	case "is_archived":
		return "the channel is archived: name another one, or unarchive it"
	case "user_not_found", "users_not_found":
		return "check the person's slack id or e-mail in owners.yaml; Slack says this of people who left, too"
	case "user_disabled":
		return "the person left the Slack workspace: give the accounts another owner in owners.yaml"
	case "cannot_dm_bot":
		return "the slack id in owners.yaml is a bot's: use a person's"
	case "missing_scope":
		return "give the bot the scopes " + strings.Join(botScopes, ", ") + " (for private channels also groups:read and groups:history), then reinstall the app"
	case "invalid_auth", "accesslimited":
		return "give Steward a valid bot token (it begins with xoxb-) and restart it; if it is valid, see which addresses the workspace admits"
	case "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type":
		return "give Steward a valid bot token (it begins with xoxb-) and restart it"
	case "messages_tab_disabled":
		return "turn on the Messages tab in the app's App Home"
	case "restricted_action", "restricted_action_read_only_channel", "posting_to_general_channel_denied":
		return "the workspace's settings let only some people post there: allow the bot, or name another channel"
	}
	if strings.HasPrefix(word, "invalid_blocks") || strings.HasPrefix(word, "msg_") || word == "no_text" || strings.HasPrefix(word, "metadata_") {
		return "Slack did not accept the card: please report this with `steward outreach` of the message"
	}
	return "look the word up at docs.slack.dev, and try with `steward send-test`"
}
