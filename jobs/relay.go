package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
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
// messages are on their way at a time, the more of them share a commit. Webhooks
// are often small programs of the team's own.
func Hands() map[string]int {
	return map[string]int{Evaluation: 1, DeliveryKind(steward.Email): 8, DeliveryKind(steward.Slack): 8, DeliveryKind(steward.Webhook): 4}
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
	// Missing is those of the tasks that nobody will run.
	Missing(ctx context.Context, tasks []Task) ([]Task, error)
}

const (
	// InFlight is how many messages of a channel are in the queue at most. The
	// rest waits in the ledger, where it costs nothing, can be counted, and follows
	// a circuit or a pause at once.
	InFlight = EmbeddedInFlight
	// relayBatch is how many are handed over before that is written down.
	relayBatch = 1000
	// relayHands is how many tasks are handed over at a time: each is a round
	// trip.
	relayHands = 4
)

// together is how many messages of a channel one task carries at most. They are
// sent side by side, each claimed for itself just before its provider is called,
// so that a crash leaves no more of them in doubt than if each had a task of its
// own: it is the same number on its way at a time.
func together(ch steward.Channel) int {
	if ch == steward.Slack {
		return 16
	}
	return 1 // one connection a mail, and mail servers take few
}

// A delivery is a message in a task.
type delivery struct {
	Message steward.MessageID `json:"message"`
	Epoch   int               `json:"epoch"`
}

// Relay is the only one that enqueues deliveries: of each channel what is
// planned and due, as many as limit leaves room for in the queue (InFlight, for
// 0). Of a channel that waits it hands over one message as a probe when it is
// time for that, and else none. It returns how many it handed over. A relay that
// dies between enqueueing and marking enqueues again, which is harmless: in the
// same company it is the same task, and in another the later task finds the
// message moved on.
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
	in, err := e.Ledger.InQueue(ctx, ch)
	if err != nil {
		return 0, fmt.Errorf("count what is in the queue: %w", err)
	}
	for room := limit - in; room > 0; {
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
	if len(due) == 0 {
		return 0, nil
	}
	// A few are spread over the hands that there are, many are put together.
	ch := due[0].Channel
	each := min(together(ch), 1+len(due)/Hands()[DeliveryKind(ch)])
	parts := slices.Collect(slices.Chunk(due, each))
	in := make([]bool, len(parts))
	hands, handing := errgroup.WithContext(ctx)
	for hand := range relayHands {
		hands.Go(func() error {
			for i := hand; i < len(parts); i += relayHands {
				task, err := deliveryTask(ch, parts[i])
				if err == nil {
					err = q.Enqueue(handing, task)
				}
				if err != nil {
					return fmt.Errorf("enqueue %s: %w", parts[i][0].ID, err)
				}
				for n := range parts[i] {
					parts[i][n].Task = task.ID
				}
				in[i] = true
			}
			return nil
		})
	}
	err := hands.Wait()
	var done []steward.Due
	for i, part := range parts {
		if in[i] {
			done = append(done, part...)
		}
	}
	if merr := e.Ledger.MarkEnqueued(ctx, done, e.Now()); merr != nil {
		err = errors.Join(err, fmt.Errorf("mark %d messages enqueued: %w", len(done), merr))
	}
	return len(done), err
}

// deliveryTask is the task that carries messages. Its id is made of all of them
// in their epochs: a message that returns to planned comes in a new task, in
// whatever company.
func deliveryTask(ch steward.Channel, part []steward.Due) (Task, error) {
	carried := make([]delivery, len(part))
	name := sha256.New()
	for i, d := range part {
		carried[i] = delivery{d.ID, d.Epoch}
		fmt.Fprintf(name, "%s.%d\n", d.ID, d.Epoch)
	}
	payload, err := json.Marshal(carried)
	if err != nil {
		return Task{}, fmt.Errorf("encode the delivery: %w", err)
	}
	return Task{Kind: DeliveryKind(ch), ID: hex.EncodeToString(name.Sum(nil)[:16]), Payload: payload, Timeout: sendLease}, nil
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
	of := map[string][]steward.Due{}
	var tasks []Task
	for _, d := range in {
		if of[d.Task] == nil {
			tasks = append(tasks, Task{Kind: DeliveryKind(d.Channel), ID: d.Task})
		}
		of[d.Task] = append(of[d.Task], d)
	}
	gone, err := q.Missing(ctx, tasks)
	if err != nil {
		return nil, fmt.Errorf("ask the queue what it holds: %w", err)
	}
	for _, t := range gone {
		lost = append(lost, of[t.ID]...)
	}
	return lost, nil
}

// HandleDelivery is the queue's handler for deliveries on any channel. It sends
// all that its task carries side by side. Where the ledger failed for one of
// them, the task is tried again, and finds the others moved on.
func (e *Engine) HandleDelivery(ctx context.Context, payload []byte) error {
	var carried []delivery
	if err := json.Unmarshal(payload, &carried); err != nil {
		// A task that nobody here wrote. Trying it again gives the same.
		e.log().Error("a delivery task cannot be read and is dropped", "error", err)
		return nil
	}
	if len(carried) == 1 {
		return e.Deliver(ctx, carried[0].Message, carried[0].Epoch)
	}
	failed := make([]error, len(carried))
	var sending sync.WaitGroup
	for i, d := range carried {
		sending.Go(func() {
			// As the queue does for a task that is alone.
			defer func() {
				if p := recover(); p != nil {
					failed[i] = fmt.Errorf("deliver %s: it panicked: %v", d.Message, p)
				}
			}()
			failed[i] = e.Deliver(ctx, d.Message, d.Epoch)
		})
	}
	sending.Wait()
	return errors.Join(failed...)
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
