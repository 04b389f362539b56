package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"steward"
)

// scrape is the lines of /metrics that are ours, without help and types.
func scrape(t *testing.T, o PrivateOptions) []string {
	t.Helper()
	w := call(Private(o), "GET", "/metrics", "", "")
	if w.Code != 200 {
		t.Fatalf("status %d:\n%s", w.Code, w.Body)
	}
	var ours []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "steward_") {
			ours = append(ours, strings.TrimSpace(line))
		}
	}
	return ours
}

func TestMetrics(t *testing.T) {
	now := time.Date(2026, 3, 12, 7, 0, 0, 0, time.UTC)
	got := scrape(t, PrivateOptions{Version: "v1.2.3", Feeds: Feeds{
		Now: func() time.Time { return now },
		Messages: func(context.Context) (MessageFigures, error) {
			return MessageFigures{ByState: map[steward.MessageState]int{steward.Sent: 40, steward.Uncertain: 1}, OldestDue: now.Add(-90 * time.Second)}, nil
		},
		Enrolments: func(context.Context) (map[steward.EnrolmentState]int, error) {
			return map[steward.EnrolmentState]int{steward.Quarantined: 7}, nil
		},
		Evaluation: func(context.Context) (EvaluationFigures, error) {
			return EvaluationFigures{Slot: steward.SlotAt(now.Add(-time.Hour)), Duration: 1500 * time.Millisecond}, nil
		},
		Sources: func(context.Context) ([]SourceFigures, error) {
			return []SourceFigures{
				{Name: "crm", CompleteThrough: steward.Date(2026, 3, 11), ImportedAt: now.Add(-time.Minute)},
				{Name: "usage", CompleteThrough: steward.NoDay, Stale: true},
			}, nil
		},
		Playbooks: func(context.Context) (map[steward.PlaybookName]string, error) {
			return map[steward.PlaybookName]string{"login-drop": "", "renewal-120": "divides by zero"}, nil
		},
		Channels: func(context.Context) (map[steward.Channel]steward.Reason, error) {
			return map[steward.Channel]steward.Reason{steward.Slack: steward.ReasonChannelDown, steward.Email: ""}, nil
		},
		QueueDepth: func(context.Context) (int, error) { return 12, nil },
		Jobs: func(context.Context) (map[string]JobFigures, error) {
			return map[string]JobFigures{"evaluate": {Runs: 31, Failures: 2}}, nil
		},
		Mailbox: func(context.Context) (MailboxFigures, error) {
			return MailboxFigures{Incoming: map[steward.IncomingKind]int{steward.Reply: 3}, Read: now.Add(-90 * time.Second)}, nil
		},
		Slack: func(context.Context) (SlackFigures, error) {
			return SlackFigures{Listening: true, Gestures: map[string]int{"answered": 9, "not_taken": 0}}, nil
		},
	}})
	want := []string{
		`steward_build_info{version="v1.2.3"} 1`,
		`steward_channel_waits{channel="email",reason="channel_down"} 0`,
		`steward_channel_waits{channel="email",reason="channel_not_configured"} 0`,
		`steward_channel_waits{channel="email",reason="provider_asks_wait"} 0`,
		`steward_channel_waits{channel="slack",reason="channel_down"} 1`,
		`steward_channel_waits{channel="slack",reason="channel_not_configured"} 0`,
		`steward_channel_waits{channel="slack",reason="provider_asks_wait"} 0`,
		`steward_enrolments{state="active"} 0`,
		`steward_enrolments{state="completed"} 0`,
		`steward_enrolments{state="exited"} 0`,
		`steward_enrolments{state="failed"} 0`,
		`steward_enrolments{state="quarantined"} 7`,
		`steward_enrolments{state="waiting"} 0`,
		`steward_evaluation_age_seconds 3600`,
		`steward_evaluation_duration_seconds 1.5`,
		`steward_evaluation_slot_timestamp_seconds 1.7732952e+09`,
		`steward_feed_up{feed="channels"} 1`,
		`steward_feed_up{feed="enrolments"} 1`,
		`steward_feed_up{feed="evaluation"} 1`,
		`steward_feed_up{feed="jobs"} 1`,
		`steward_feed_up{feed="messages"} 1`,
		`steward_feed_up{feed="playbooks"} 1`,
		`steward_feed_up{feed="queue"} 1`,
		`steward_feed_up{feed="sources"} 1`,
		`steward_job_failures_total{job="evaluate"} 2`,
		`steward_job_runs_total{job="evaluate"} 31`,
		`steward_messages{state="awaiting_approval"} 0`,
		`steward_messages{state="deferred"} 0`,
		`steward_messages{state="enqueued"} 0`,
		`steward_messages{state="expired"} 0`,
		`steward_messages{state="failed"} 0`,
		`steward_messages{state="planned"} 0`,
		`steward_messages{state="sending"} 0`,
		`steward_messages{state="sent"} 40`,
		`steward_messages{state="suppressed"} 0`,
		`steward_messages{state="uncertain"} 1`,
		`steward_oldest_due_message_age_seconds 90`,
		`steward_playbook_faulty{playbook="login-drop"} 0`,
		`steward_playbook_faulty{playbook="renewal-120"} 1`,
		`steward_queue_depth 12`,
		`steward_source_complete_through_timestamp_seconds{source="crm"} 1.7731872e+09`,
		`steward_source_import_age_seconds{source="crm"} 60`,
		`steward_source_stale{source="crm"} 0`,
		`steward_source_stale{source="usage"} 1`,
	}
	want = append(want, `steward_feed_up{feed="slack"} 1`, `steward_gestures_total{outcome="answered"} 9`, `steward_gestures_total{outcome="not_taken"} 0`, `steward_slack_listening 1`)
	want = append(want, `steward_feed_up{feed="mailbox"} 1`, `steward_mailbox_age_seconds 90`, `steward_incoming_total{kind="reply"} 3`, `steward_incoming_total{kind="auto_reply"} 0`,
		`steward_incoming_total{kind="hard_bounce"} 0`, `steward_incoming_total{kind="soft_bounce"} 0`, `steward_incoming_total{kind="complaint"} 0`)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMetricsSurviveAFeedThatFails(t *testing.T) {
	log := &bytes.Buffer{}
	fails := true
	o := PrivateOptions{Logger: slog.New(slog.NewTextHandler(log, nil)), Feeds: Feeds{
		QueueDepth: func(context.Context) (int, error) {
			if fails {
				return 0, errors.New("redis does not answer")
			}
			return 3, nil
		},
		Jobs: func(context.Context) (map[string]JobFigures, error) {
			return map[string]JobFigures{"advance": {Runs: 1}}, nil
		},
	}}
	h := Private(o)
	first := call(h, "GET", "/metrics", "", "").Body.String()
	call(h, "GET", "/metrics", "", "")
	for _, want := range []string{`steward_feed_up{feed="queue"} 0`, `steward_job_runs_total{job="advance"} 1`} {
		if !strings.Contains(first, want) {
			t.Errorf("lacks %s", want)
		}
	}
	if strings.Contains(first, "steward_queue_depth ") {
		t.Error("shows a depth that nobody knows")
	}
	if n := strings.Count(log.String(), "redis does not answer"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	fails = false
	if again := call(h, "GET", "/metrics", "", "").Body.String(); !strings.Contains(again, "steward_queue_depth 3") {
		t.Error("did not come back")
	}
}

func TestMetricsWithNothingToTell(t *testing.T) {
	got := scrape(t, PrivateOptions{Version: "v0", Feeds: Feeds{
		Evaluation: func(context.Context) (EvaluationFigures, error) { return EvaluationFigures{}, nil },
	}})
	want := []string{`steward_build_info{version="v0"} 1`, `steward_feed_up{feed="evaluation"} 1`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Two handlers in one process must not fight over a global registry.
func TestMetricsOfTwoHandlers(t *testing.T) {
	for range 2 {
		if got := scrape(t, PrivateOptions{Version: "v1"}); len(got) != 1 {
			t.Errorf("%v", got)
		}
	}
}
