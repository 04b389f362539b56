package configs

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"steward"
	"steward/configs/strictyaml"
)

// A Webhook is a system that steps may tell things. There is no calling one
// that is not named here.
type Webhook struct {
	Name, URL string
	// Secret signs what is sent.
	Secret steward.Secret
	// Timeout is for one call.
	Timeout time.Duration
}

// WebhookNames is the names that steps may use, in order.
func (w *Workspace) WebhookNames() []string {
	out := make([]string, len(w.Webhooks))
	for i, h := range w.Webhooks {
		out[i] = h.Name
	}
	slices.Sort(out)
	return out
}

// webhookKeys are the workspace's keys for webhooks.
type webhookKeys struct {
	Webhooks strictyaml.Entries[webhookBlock] `yaml:"webhooks" doc:"The systems that steps may tell things, by the name that a step's webhook uses. No other address is ever called."`
}

type webhookBlock struct {
	Pos        strictyaml.Pos       `yaml:",pos"`
	URL        strictyaml.Scalar    `yaml:"url,required" doc:"The https address that is called. http is for an address of this machine."`
	Secret     strictyaml.Scalar    `yaml:"secret" doc:"Not to be written here: name a variable in secret_env or a file in secret_file."`
	SecretEnv  strictyaml.Scalar    `yaml:"secret_env" doc:"The environment variable that holds the signing secret: whsec_ and 24 to 64 bytes in base64."`
	SecretFile strictyaml.Scalar    `yaml:"secret_file" doc:"The file that holds the signing secret, as container platforms mount it."`
	Timeout    *strictyaml.Duration `yaml:"timeout" doc:"How long one call may take, from 1s to 60s. Default 10s."`
}

const (
	defaultWebhookTimeout = 10 * time.Second
	mostWebhookTimeout    = 60 * time.Second
)

var webhookName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// webhooks reads the systems that may be called.
func (l *loader) webhooks(k webhookKeys) {
	for _, e := range k.Webhooks {
		h := Webhook{Name: e.Key.Value, URL: l.webhookURL(e.Value.URL), Timeout: defaultWebhookTimeout}
		if !webhookName.MatchString(h.Name) {
			l.wrong(e.Key, fmt.Sprintf("%q cannot be the name of a webhook", h.Name), "use lower-case letters, digits, - and _, beginning with a letter")
		}
		if t := e.Value.Timeout; t != nil {
			h.Timeout = t.Std()
			if h.Timeout < time.Second || h.Timeout > mostWebhookTimeout {
				l.wrong(e.Key, "timeout of "+h.Name+" is not between 1s and 60s", "write it as 10s; a receiver answers first and works afterwards")
			}
		}
		h.Secret = l.webhookSecret(e.Value)
		l.w.Webhooks = append(l.w.Webhooks, h)
	}
}

func (l *loader) webhookSecret(b webhookBlock) steward.Secret {
	r := secretRef{name: "secret", inline: b.Secret, env: b.SecretEnv, file: b.SecretFile, shape: webhookSecretShape,
		want: "whsec_ and 24 to 64 bytes in base64, as this makes one: echo whsec_$(openssl rand -base64 32)"}
	if !r.given() && !b.Pos.IsZero() {
		l.problems = append(l.problems, b.Pos.Problem(FileName, "webhooks", 1, "no secret is named, so the receiver could not tell who calls", "add secret_env: CRM_WEBHOOK_SECRET", l.src))
	}
	return l.secret(r)
}

func webhookSecretShape(s string) bool {
	coded, ok := strings.CutPrefix(s, "whsec_")
	key, err := base64.StdEncoding.DecodeString(coded)
	return ok && err == nil && len(key) >= 24 && len(key) <= 64
}

// webhookURL is an address that may be called. Addresses inside the operator's
// own network are as good as others: whoever writes this file may name them, and
// nothing that a CRM or a message says ever ends up here.
func (l *loader) webhookURL(v strictyaml.Scalar) string {
	if v.Value == "" {
		return ""
	}
	u, err := url.Parse(v.Value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		l.wrong(v, "url is not a web address", "write it as https://crm.example.com/hooks/steward")
	case u.User != nil || u.Fragment != "":
		l.wrong(v, "url has a user, a password or a # in it", "the signature says who calls; leave out the rest")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		l.wrong(v, "url would be called unencrypted", "use https; http is for an address of this machine")
	default:
		return v.Value
	}
	return ""
}
