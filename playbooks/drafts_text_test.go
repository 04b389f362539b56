package playbooks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"steward"
	"steward/playbooks"
)

// A draft's text is for where nothing renders Markdown: what kept a name from
// being markup there would be read as part of the name.
func TestDraftsTextIsAsPeopleReadIt(t *testing.T) {
	d := playbooks.Draft{Content: &steward.Content{Title: "S.A.", Parts: []steward.ContentPart{{Markdown: `Fairhaven Robotics S\.A\. \<\!channel\> has **two** \\ and C:\dir`}}}}
	if diff := cmp.Diff("S.A.\n\nFairhaven Robotics S.A. <!channel> has **two** \\ and C:\\dir\n", d.Text()); diff != "" {
		t.Error(diff)
	}
}

func TestWordsSayEachThingOnce(t *testing.T) {
	near := steward.Evidence{Words: "notice date is in 11 days"}
	got := playbooks.Words([]steward.Evidence{near, {}, {Words: "the owner is new"}, near})
	if diff := cmp.Diff([]string{"notice date is in 11 days", "the owner is new"}, got); diff != "" {
		t.Error(diff)
	}
}
