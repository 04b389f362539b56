package configs

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"steward"
)

const whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func loadWebhooks(text string, env map[string]string) (*Workspace, steward.Problems) {
	fsys := fstest.MapFS{FileName: {Data: []byte("zone: UTC\n" + text)}, "owners.yaml": {Data: []byte("- {id: dana, name: Dana Reyes, email: dana@example.com}\n")},
		"secrets/crm": {Data: []byte(whsec + "\n")}}
	return Load(fsys, "", func(name string) string { return env[name] })
}

func TestWebhooks(t *testing.T) {
	w, problems := loadWebhooks(`webhooks:
  warehouse: {url: "http://127.0.0.1:9000/in?from=steward", secret_file: secrets/crm, timeout: 30s}
  crm: {url: https://10.0.0.7:8443/hooks, secret_env: CRM_WEBHOOK_SECRET}
`, map[string]string{"CRM_WEBHOOK_SECRET": whsec})
	if errs := problems.Errors(); len(errs) > 0 || len(w.Unset()) > 0 {
		t.Fatal(errs, w.Unset())
	}
	secret := steward.NewSecret(whsec)
	want := []Webhook{{"warehouse", "http://127.0.0.1:9000/in?from=steward", secret, 30 * time.Second}, {"crm", "https://10.0.0.7:8443/hooks", secret, 10 * time.Second}}
	if diff := cmp.Diff(want, w.Webhooks, cmpopts.EquateComparable(steward.Secret{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"crm", "warehouse"}, w.WebhookNames()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	// Without the secret it can be checked, and not run.
	w, problems = loadWebhooks("webhooks: {crm: {url: https://crm.example.com, secret_env: CRM_WEBHOOK_SECRET}}\n", nil)
	if errs := problems.Errors(); len(errs) > 0 || len(w.Unset()) != 1 || !strings.Contains(w.Unset()[0].Message, "CRM_WEBHOOK_SECRET is not set") {
		t.Errorf("%v, %v", errs, w.Unset())
	}
	// A workspace may tell nobody but another system.
	if _, problems = loadWebhooks("delivery: live\nwebhooks: {crm: {url: https://crm.example.com, secret_env: S}}\n", map[string]string{"S": whsec}); len(problems.Errors()) > 0 {
		t.Error(problems.Errors())
	}
}

func TestWebhooksThatCannotBe(t *testing.T) {
	for _, c := range []struct{ block, want string }{
		{"crm: {url: http://crm.example.com/hooks, secret_env: S}", "url would be called unencrypted"},
		{"crm: {url: http://10.0.0.7/hooks, secret_env: S}", "url would be called unencrypted"},
		{"crm: {url: ftp://crm.example.com, secret_env: S}", "url is not a web address"},
		{"crm: {url: /hooks, secret_env: S}", "url is not a web address"},
		{"crm: {url: 'https://user:pass@crm.example.com', secret_env: S}", "url has a user"},
		{"crm: {secret_env: S}", `"url" is missing`},
		{"crm: {url: https://crm.example.com}", "no secret is named"},
		{"crm: {url: https://crm.example.com, secret_env: BAD}", "does not look like a secret"},
		{"crm: {url: https://crm.example.com, secret_env: SHORT}", "does not look like a secret"},
		{"crm: {url: https://crm.example.com, secret: " + whsec + "}", "does not belong into a file that is kept in git"},
		{"crm: {url: https://crm.example.com, secret_env: S, timeout: 5m}", "timeout of crm is not between 1s and 60s"},
		{"CRM: {url: https://crm.example.com, secret_env: S}", `"CRM" cannot be the name of a webhook`},
	} {
		_, problems := loadWebhooks("webhooks: {"+c.block+"}\n", map[string]string{"S": whsec, "BAD": "hunter2hunter2hunter2hunter2", "SHORT": "whsec_c2hvcnQ="})
		errs := problems.Errors()
		if len(errs) != 1 || !strings.Contains(errs[0].Message, c.want) {
			t.Errorf("%s: %v, want %q", c.block, errs, c.want)
		}
		if text := errs.Error() + errs[0].Snippet; strings.Contains(text, whsec) || strings.Contains(text, "hunter2") || strings.Contains(text, "user:pass") {
			t.Errorf("%s: a secret is quoted in %s", c.block, text)
		}
	}
}
