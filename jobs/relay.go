package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	"steward"
)

// Deliver names the tasks that carry a message to deliver, Evaluation those
// that carry a slot to evaluate.
const (
	Deliver    = "deliver"
	Evaluation = evaluation
)

// Enqueuer is where the relay puts tasks.
type Enqueuer interface {
	Enqueue(ctx context.Context, t Task) error
	Depth(ctx context.Context) (int, error)
}

type delivery struct {
	Message steward.MessageID `json:"message"`
	Epoch   int               `json:"epoch"`
}

// Relay is the only one that enqueues deliveries: what is planned and due, as
// many as limit leaves room for in the queue (zero: a thousand at a time). It
// returns how many it handed over. A relay that dies between enqueueing and
// marking enqueues again under the same task id, which is harmless.
func (e *Engine) Relay(ctx context.Context, q Enqueuer, limit int) (int, error) {
	room := 1000
	if limit > 0 {
		depth, err := q.Depth(ctx)
		if err != nil {
			return 0, fmt.Errorf("ask the queue for its depth: %w", err)
		}
		room = min(room, limit-depth)
	}
	if room <= 0 {
		return 0, nil
	}
	due, err := e.Ledger.DueMessages(ctx, e.Now(), room)
	if err != nil {
		return 0, fmt.Errorf("read due messages: %w", err)
	}
	for i, d := range due {
		payload, err := json.Marshal(delivery{d.ID, d.Epoch})
		if err != nil {
			return i, fmt.Errorf("encode the delivery of %s: %w", d.ID, err)
		}
		if err := q.Enqueue(ctx, Task{Kind: Deliver, ID: fmt.Sprintf("%s.%d", d.ID, d.Epoch), Payload: payload, Timeout: sendLease}); err != nil {
			if merr := e.Ledger.MarkEnqueued(ctx, due[:i], e.Now()); merr != nil {
				return i, fmt.Errorf("enqueue %s: %w (and mark what was enqueued: %v)", d.ID, err, merr)
			}
			return i, fmt.Errorf("enqueue %s: %w", d.ID, err)
		}
	}
	if len(due) == 0 {
		return 0, nil
	}
	if err := e.Ledger.MarkEnqueued(ctx, due, e.Now()); err != nil {
		return len(due), fmt.Errorf("mark %d messages enqueued: %w", len(due), err)
	}
	return len(due), nil
}

// HandleDelivery is the queue's handler for Deliver tasks.
func (e *Engine) HandleDelivery(ctx context.Context, payload []byte) error {
	var d delivery
	if err := json.Unmarshal(payload, &d); err != nil {
		// A task that nobody here wrote. Trying it again gives the same.
		e.log().Error("a delivery task cannot be read and is dropped", "error", err)
		return nil
	}
	return e.Deliver(ctx, d.Message, d.Epoch)
}

// HandleEvaluation is the queue's handler for evaluate tasks: bring the
// sources up to date, evaluate, and relay what that planned.
func (e *Engine) HandleEvaluation(sync func(context.Context, steward.Slot) error, relay func(context.Context) error) Handler {
	return func(ctx context.Context, payload []byte) error {
		var slot steward.Slot
		if err := json.Unmarshal(payload, &slot); err != nil {
			e.log().Error("an evaluate task cannot be read and is dropped", "error", err)
			return nil
		}
		if err := sync(ctx, slot); err != nil {
			// Old facts go stale by themselves; a broken source must not keep the
			// others from being judged.
			e.log().Error("a source could not be loaded; evaluating with what is there", "slot", slot, "error", err)
		}
		report, err := e.Evaluate(ctx, slot)
		if err != nil {
			return err
		}
		e.log().Info("evaluated", "slot", report.Slot, "skipped", report.Skipped, "accounts", report.Accounts, "took", report.Took, "conflicts", report.Conflicts)
		return relay(ctx)
	}
}

// EvaluationTask is the task for a slot.
func EvaluationTask(slot steward.Slot) (Task, error) {
	payload, err := json.Marshal(slot)
	if err != nil {
		return Task{}, fmt.Errorf("encode slot %s: %w", slot, err)
	}
	return Task{Kind: Evaluation, ID: slot.Time().Format("20060102T150405Z"), Payload: payload}, nil
}
