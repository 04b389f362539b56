package steward

import (
	"strings"
	"time"
)

// A TaskState is where a task stands.
type TaskState string

// A task is open until somebody did it, or until it was dropped: its enrolment
// ended, or nobody was told of it.
const (
	TaskOpen    TaskState = "open"
	TaskDone    TaskState = "done"
	TaskDropped TaskState = "dropped"
)

// A Task is something for one of us to do about an account. It has the id of
// the outreach that gave it.
type Task struct {
	ID        OutreachID   `json:"id"`
	Enrolment EnrolmentID  `json:"enrolment"`
	Playbook  PlaybookName `json:"playbook"`
	Subject   Subject      `json:"subject"`
	Step      string       `json:"step"`
	// Owner is whose it is, "" where it went to a channel; Name is the person or
	// the channel, for people.
	Owner OwnerID `json:"owner,omitempty"`
	Name  string  `json:"name,omitempty"`
	Title string  `json:"title"`
	// Due is the day by which it is to be done, in its owner's zone; NoDay for no
	// day.
	Due   Day       `json:"due"`
	Given time.Time `json:"given"`
	State TaskState `json:"state"`
	// Outcome is what came of it, in the words of whoever did it; Reason why it
	// was dropped.
	Outcome string    `json:"outcome,omitempty"`
	Reason  Reason    `json:"reason,omitempty"`
	By      string    `json:"by,omitempty"`
	At      time.Time `json:"at,omitzero"` // when it was done or dropped
}

// TaskOf is the id of the task that a notice gives, where it gives one, and
// NoticeOf the notice of such a task.
func TaskOf(notice MessageID) OutreachID {
	return OutreachID("o-" + strings.TrimPrefix(string(notice), "m-"))
}

// NoticeOf is the opposite of TaskOf.
func NoticeOf(task OutreachID) MessageID {
	return MessageID("m-" + strings.TrimPrefix(string(task), "o-"))
}

// Overdue tells an open task whose day has passed.
func (t Task) Overdue(today Day) bool {
	return t.State == TaskOpen && t.Due != NoDay && t.Due < today
}

// An Assignment is what an outreach asks somebody to do: a new task, whose id is
// the outreach's, or one that it reminds of.
type Assignment struct {
	Task  OutreachID `json:"task"`
	Title string     `json:"title"`
	Due   Day        `json:"due"`
}
