package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"steward"
)

// Evaluation names the tasks that carry a slot to evaluate.
const Evaluation = evaluation

// DeliveryKind names the tasks that carry a message to deliver on a channel.
func DeliveryKind(ch steward.Channel) string { return "deliver-" + string(ch) }

// Hands is how many tasks of each kind run at once. An evaluation is never one
// of two. Mail servers take ten or twenty connections from one client; Slack
// takes many calls, as long as they are about different channels, and the more
// messages are on their way at a time, the more of them share a commit.
func Hands() map[string]int {
	return map[string]int{Evaluation: 1, DeliveryKind(steward.Email): 8, DeliveryKind(steward.Slack): 64}
}

// Handlers is the queue's handlers for deliveries.
func (e *Engine) Handlers() map[string]Handler {
	out := map[string]Handler{}
	for _, ch := range steward.Channels() {
		out[DeliveryKind(ch)] = e.HandleDelivery
	}
	return out
}

// Enqueuer is where the relay puts tasks.
type Enqueuer interface {
	Enqueue(ctx context.Context, t Task) error
	// Depth is how many tasks of the kinds are not done yet.
	Depth(ctx context.Context, kinds ...string) (int, error)
	// Missing is those of the tasks that nobody will run.
	Missing(ctx context.Context, tasks []Task) ([]Task, error)
}

type delivery struct {
	Message steward.MessageID `json:"message"`
	Epoch   int               `json:"epoch"`
}

const (
	// InFlight is how many deliveries of a channel are in the queue at most. The rest waits in
	// the ledger, where it costs nothing, can be counted, and follows a circuit
	// or a pause at once.
	InFlight = EmbeddedInFlight / 2
	// relayBatch is how many are handed over before that is written down.
	relayBatch = 1000
	// relayHands is how many are handed over at a time: each is a round trip.
	relayHands = 4
)

// Relay is the only one that enqueues deliveries: of each channel what is
// planned and due, as many as limit leaves room for in the queue (InFlight, for
// 0). Of a channel that waits it hands over one message as a probe when it is
// time for that, and else none. It returns how many it handed over. A relay that
// dies between enqueueing and marking enqueues again under the same task id,
// which is harmless.
func (e *Engine) Relay(ctx context.Context, q Enqueuer, limit int) (int, error) {
	if limit <= 0 {
		limit = InFlight
	}
	open, probed := e.circuits.ready(e.Now())
	total := 0
	for _, ch := range open {
		done, err := e.relay(ctx, q, ch, limit)
		total += done
		if err != nil {
			return total, err
		}
	}
	for _, ch := range probed {
		done, err := e.relay(ctx, q, ch, 1)
		total += done
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (e *Engine) relay(ctx context.Context, q Enqueuer, ch steward.Channel, limit int) (total int, err error) {
	depth, err := q.Depth(ctx, DeliveryKind(ch))
	if err != nil {
		return 0, fmt.Errorf("ask the queue for its depth: %w", err)
	}
	for room := limit - depth; room > 0; {
		batch := min(room, relayBatch)
		due, err := e.Ledger.DueMessages(ctx, e.Now(), batch, ch)
		if err != nil {
			return total, fmt.Errorf("read due messages: %w", err)
		}
		done, err := e.enqueue(ctx, q, due)
		total += done
		if err != nil || len(due) < batch {
			return total, err
		}
		room -= done
	}
	return total, nil
}

// enqueue puts messages into the queue and marks those that got there.
func (e *Engine) enqueue(ctx context.Context, q Enqueuer, due []steward.Due) (int, error) {
	in := make([]bool, len(due))
	hands, handing := errgroup.WithContext(ctx)
	for hand := range relayHands {
		hands.Go(func() error {
			for i := hand; i < len(due); i += relayHands {
				task, err := deliveryTask(due[i])
				if err == nil {
					err = q.Enqueue(handing, task)
				}
				if err != nil {
					return fmt.Errorf("enqueue %s: %w", due[i].ID, err)
				}
				in[i] = true
			}
			return nil
		})
	}
	err := hands.Wait()
	var done []steward.Due
	for i, d := range due {
		if in[i] {
			done = append(done, d)
		}
	}
	if merr := e.Ledger.MarkEnqueued(ctx, done, e.Now()); merr != nil {
		err = errors.Join(err, fmt.Errorf("mark %d messages enqueued: %w", len(done), merr))
	}
	return len(done), err
}

func deliveryTask(d steward.Due) (Task, error) {
	payload, err := json.Marshal(delivery{d.ID, d.Epoch})
	if err != nil {
		return Task{}, fmt.Errorf("encode the delivery: %w", err)
	}
	return Task{Kind: DeliveryKind(d.Channel), ID: fmt.Sprintf("%s.%d", d.ID, d.Epoch), Payload: payload, Timeout: sendLease}, nil
}

// missedAfter is how long a message is in the queue before anybody asks whether
// it still is: it may have been handed over a moment ago.
const missedAfter = 30 * time.Second

// Reconcile takes back what the queue has lost, so that the relay hands it over
// again, and tells how many that were. A queue that was emptied, or whose Redis
// went away with what it held, is built up again by it.
func (e *Engine) Reconcile(ctx context.Context, q Enqueuer) (int, error) {
	now := e.Now()
	in, err := e.Ledger.Enqueued(ctx, now.Add(-missedAfter), now, len(steward.Channels())*InFlight)
	if err != nil || len(in) == 0 {
		return 0, err
	}
	var lost []steward.Due
	for part := range slices.Chunk(in, relayBatch) {
		gone, err := lostOf(ctx, q, part)
		if err != nil {
			return 0, err
		}
		lost = append(lost, gone...)
	}
	if len(lost) == 0 {
		return 0, nil
	}
	n, err := e.Ledger.Requeue(ctx, lost)
	if err != nil {
		return 0, fmt.Errorf("take back what the queue lost: %w", err)
	}
	return n, nil
}

// lostOf is those of the messages whose task nobody will run.
func lostOf(ctx context.Context, q Enqueuer, in []steward.Due) (lost []steward.Due, err error) {
	tasks := make([]Task, len(in))
	of := make(map[string]steward.Due, len(in))
	for i, d := range in {
		if tasks[i], err = deliveryTask(d); err != nil {
			return nil, err
		}
		of[tasks[i].ID] = d
	}
	gone, err := q.Missing(ctx, tasks)
	if err != nil {
		return nil, fmt.Errorf("ask the queue what it holds: %w", err)
	}
	for _, t := range gone {
		lost = append(lost, of[t.ID])
	}
	return lost, nil
}

// HandleDelivery is the queue's handler for deliveries on any channel.
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
// sources up to date, evaluate, and relay what that planned. Where evaluations
// take longer than their period, the tasks that piled up meanwhile come to one
// for the latest slot.
func (e *Engine) HandleEvaluation(sync func(context.Context, steward.Slot) error, relay func(context.Context) error) Handler {
	return func(ctx context.Context, payload []byte) error {
		var slot steward.Slot
		if err := json.Unmarshal(payload, &slot); err != nil {
			e.log().Error("an evaluate task cannot be read and is dropped", "error", err)
			return nil
		}
		if e.Overtaken != nil && e.Overtaken(slot) {
			e.log().Info("an evaluation is left to the next slot, which is due as well", "slot", slot)
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

// evaluationTimeout bounds an evaluation with the loading of its sources. The
// run's lease is kept meanwhile, so this is only for one that hangs.
const evaluationTimeout = time.Hour

// EvaluationTask is the task for a slot.
func EvaluationTask(slot steward.Slot) (Task, error) {
	payload, err := json.Marshal(slot)
	if err != nil {
		return Task{}, fmt.Errorf("encode slot %s: %w", slot, err)
	}
	return Task{Kind: Evaluation, ID: slot.Time().Format("20060102T150405Z"), Payload: payload, Timeout: evaluationTimeout}, nil
}
