package configs

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"

	"steward"
	"steward/configs/strictyaml"
)

// SlackInbound is how what people do in Slack comes in: buttons, forms and
// commands. Its zero value is not at all.
type SlackInbound struct {
	// AppToken opens a Socket Mode connection; SigningSecret proves calls by HTTP.
	// Where both are named, Socket Mode is used.
	AppToken, SigningSecret steward.Secret
	// Team is the workspace that is listened to; "" for the bot's own.
	Team string

	socket, called bool
}

// Listens tells whether what people do comes in at all. It goes by what the file
// names, so that it is the same where the secrets are not set.
func (s SlackInbound) Listens() bool { return s.socket || s.called }

// Called tells that it comes by HTTP, to the public listener.
func (s SlackInbound) Called() bool { return s.called && !s.socket }

// inboundKeys are the keys of slack: for what comes from Slack.
type inboundKeys struct {
	AppToken          strictyaml.Scalar `yaml:"app_token" doc:"Refused: name a variable or a file, as this file is kept in git."`
	AppTokenEnv       strictyaml.Scalar `yaml:"app_token_env" doc:"The variable that holds the app-level token (xapp-…), which makes buttons and commands work by Socket Mode, without a public address."`
	AppTokenFile      strictyaml.Scalar `yaml:"app_token_file" doc:"The file that holds the app-level token (xapp-…)."`
	SigningSecret     strictyaml.Scalar `yaml:"signing_secret" doc:"Refused: name a variable or a file, as this file is kept in git."`
	SigningSecretEnv  strictyaml.Scalar `yaml:"signing_secret_env" doc:"The variable that holds the app's signing secret, which makes buttons and commands work by calls to public_url. With an app token, that is used instead."`
	SigningSecretFile strictyaml.Scalar `yaml:"signing_secret_file" doc:"The file that holds the app's signing secret."`
	Team              strictyaml.Scalar `yaml:"team" doc:"The id of the only Slack workspace whose people are listened to. Default that of the bot." examples:"T012AB3CD"`
}

var teamID = regexp.MustCompile(`^T[A-Z0-9]{1,30}$`)

func (l *loader) slackInbound(k inboundKeys) {
	s := &l.w.Slack.SlackInbound
	token := secretRef{name: "app_token", inline: k.AppToken, env: k.AppTokenEnv, file: k.AppTokenFile, shape: appTokenShape,
		want: "xapp-…, an app-level token with the scope connections:write, from Basic Information in Slack's app settings"}
	signing := secretRef{name: "signing_secret", inline: k.SigningSecret, env: k.SigningSecretEnv, file: k.SigningSecretFile, shape: signingSecretShape,
		want: "32 hexadecimal digits, from Basic Information in Slack's app settings"}
	s.socket, s.called = token.given(), signing.given()
	s.AppToken, s.SigningSecret = l.secret(token), l.secret(signing)
	if v := k.Team; v.Value != "" {
		if !teamID.MatchString(v.Value) {
			l.wrong(v, fmt.Sprintf("%q is not the id of a Slack workspace", v.Value), "it begins with T, as in https://app.slack.com/client/T012AB3CD; or leave it out")
		}
		s.Team = v.Value
	}
	if s.Called() && l.w.Listen.Public == "off" {
		l.wrong(firstGiven(k.SigningSecretEnv, k.SigningSecretFile), "Slack is to call Steward, and the public listener is off", "open listen.public, or use app_token_env, which needs none")
	}
}

// buttons advises whoever sends cards that nobody can answer.
func (l *loader) buttons(b *slackBlock) {
	if b == nil || l.w.Slack.Listens() || l.w.Delivery.Mode == "" || l.w.Delivery.Mode == steward.Preview {
		return
	}
	if at := firstGiven(b.BotTokenEnv, b.BotTokenFile); !at.Pos.IsZero() {
		l.advise(at, "no-buttons", "cards have no buttons, as nothing brings back what people press in Slack", "name the app's token as app_token_env; docs/slack.md says how")
	}
}

func firstGiven(list ...strictyaml.Scalar) strictyaml.Scalar {
	for _, s := range list {
		if !s.Pos.IsZero() {
			return s
		}
	}
	return strictyaml.Scalar{}
}

func appTokenShape(s string) bool {
	return strings.HasPrefix(s, "xapp-") && !strings.ContainsAny(s, " \t\r\n")
}

// signingSecretShape is as lax as Slack's documentation, which shows them and
// promises no form; a token in its place is what people mix up.
func signingSecretShape(s string) bool {
	return len(s) >= 16 && !strings.ContainsAny(s, " \t\r\n") && !strings.HasPrefix(s, "xox") && !strings.HasPrefix(s, "xapp-")
}

//go:embed slack-manifest.yaml
var slackManifest string

// SlackManifest is the manifest of Steward's Slack app, from which Slack's app
// settings make one. With an address it is for calls to that address, else for
// Socket Mode.
func SlackManifest(publicURL string) string {
	if publicURL == "" {
		return slackManifest
	}
	text := strings.ReplaceAll(slackManifest, "https://steward.example.com", strings.TrimRight(publicURL, "/"))
	text = strings.ReplaceAll(text, "# http: ", "")
	return strings.ReplaceAll(text, "socket_mode_enabled: true", "socket_mode_enabled: false")
}
