package notify

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"steward"
)

func anyTarget() *rapid.Generator[steward.Target] {
	return rapid.Custom(func(t *rapid.T) steward.Target {
		return steward.Target{
			Verb:    steward.Verb(rapid.SampledFrom([]string{"take", "not_useful", "snooze"}).Draw(t, "verb")),
			Message: steward.MessageID(rapid.StringMatching(`m-[0-9a-f]{24}`).Draw(t, "message")), Version: rapid.IntRange(0, 9).Draw(t, "version"),
			Enrolment: steward.EnrolmentID(rapid.StringMatching(`(e-[0-9a-f]{24})?`).Draw(t, "enrolment")),
			Account:   steward.AccountID(rapid.StringN(0, 300, -1).Draw(t, "account")), Playbook: "login-drop", Item: rapid.StringN(0, 30, -1).Draw(t, "item"),
		}
	})
}

// What a click brings back is what the button was about, and never about
// something else: where it does not fit, there is no button.
func TestWhatAButtonIsAboutComesBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := anyTarget().Draw(rt, "target")
		choice := rapid.StringN(0, 60, -1).Draw(rt, "choice")
		same := func(got steward.Target) bool {
			return utf8.ValidString(string(want.Account)) && (got == want || got == leaner(want))
		}
		if v := doValue(want); v != "" {
			if got, c, err := ReadAction("do-3", v, ""); err != nil || c != "" || !same(got) {
				rt.Fatalf("a button about %+v came back as %+v, %q, %v", want, got, c, err)
			}
		}
		picked := optionValue(want.Verb, choice)
		if id := pickID(2, want); id != "" && picked != "" {
			if utf8.RuneCountInString(id) > 255 || utf8.RuneCountInString(picked) > 150 {
				rt.Fatalf("too long for Slack: %q, %q", id, picked)
			}
			if got, c, err := ReadAction(id, "", picked); err != nil || c != choice || !same(got) {
				rt.Fatalf("a menu about %+v came back as %+v, %q, %v", want, got, c, err)
			}
		}
		if form, err := FormTarget(want); err == nil {
			if got, err := ReadFormTarget(form); err != nil || got != want {
				rt.Fatalf("a form about %+v came back as %+v, %v", want, got, err)
			}
		}
	})
}

// An account's id of any length does not take the menus off its card: the
// enrolment tells the account.
func TestALongAccountIDKeepsItsMenus(t *testing.T) {
	target := steward.Target{Verb: steward.VerbNotUseful, Message: "m-0123456789abcdef01234567", Enrolment: "e-0123456789abcdef01234567",
		Account: steward.AccountID(strings.Repeat("x", 5000)), Playbook: "login-drop"}
	got, choice, err := ReadAction(pickID(1, target), "", optionValue(steward.VerbNotUseful, steward.WrongOwner))
	if err != nil || choice != steward.WrongOwner || got.Enrolment != target.Enrolment || got.Message != target.Message || got.Verb != steward.VerbNotUseful {
		t.Errorf("came back as %+v, %q, %v", got, choice, err)
	}
	if got, _, err := ReadAction("do-0", doValue(target), ""); err != nil || got.Enrolment != target.Enrolment {
		t.Errorf("a button came back as %+v, %v", got, err)
	}
	if id := pickID(1, steward.Target{Verb: steward.VerbLook, Account: target.Account}); id != "" {
		t.Errorf("a target that does not fit was cut to %d characters", len(id))
	}
}

func TestClicksThatAreNotOurs(t *testing.T) {
	for _, c := range [][3]string{{"", "", ""}, {"other", "{}", ""}, {"do-0", "", ""}, {"do-0", "{}", ""}, {"do-0", "nonsense", ""},
		{"pick-0", "", "take="}, {`pick-0|{"v":"snooze"}`, "", ""}, {`pick-0|{"v":"snooze"}`, "", "=x"}, {"pick-0|{", "", "snooze=1d"}} {
		if got, _, err := ReadAction(c[0], c[1], c[2]); err == nil {
			t.Errorf("%q was read as %+v", c, got)
		}
	}
	if got, _, err := ReadAction("open-1", "", ""); err != nil || got.Verb != "" {
		t.Errorf("a link was read as %+v, %v", got, err)
	}
	if _, err := FormTarget(steward.Target{Verb: "look", Item: strings.Repeat("x", 3001)}); err == nil {
		t.Error("a form about more than fits was made")
	}
}
