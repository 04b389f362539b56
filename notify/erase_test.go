package notify

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"steward"
)

func TestErasePreviews(t *testing.T) {
	dir := t.TempDir()
	p, err := NewPreviewSender(PreviewConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for id, who := range map[steward.MessageID]string{"m-ada": "Ada Quux", "m-ada2": "Ben Stone"} {
		for _, channel := range []steward.Channel{steward.Slack, steward.Email} {
			l := steward.Letter{Message: steward.Message{ID: id + steward.MessageID(channel), Channel: channel, To: steward.Recipient{Key: "owner", Email: "someone@example.com"}},
				Content: steward.Content{Title: "About " + who, Parts: []steward.ContentPart{{Markdown: "Call " + who}}}}
			if _, err := p.Send(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if n := naming(t, dir, "Ada Quux"); n < 3 { // two files, the journal, the page
		t.Fatalf("%d files name her, so the test can find nothing", n)
	}
	n, err := ErasePreviews(dir, []steward.MessageID{"m-adaslack", "m-adaemail", "m-never"})
	if err != nil || n != 2 {
		t.Errorf("%d files are gone, %v; want 2", n, err)
	}
	if n := naming(t, dir, "Ada Quux"); n > 0 {
		t.Errorf("%d files still name her", n)
	}
	if n := naming(t, dir, "Ben Stone"); n < 3 {
		t.Errorf("%d files name him, who was not to be erased", n)
	}
	if n, err := ErasePreviews(filepath.Join(dir, "nowhere"), []steward.MessageID{"m-ada"}); n != 0 || err != nil {
		t.Errorf("of a folder that is not there: %d, %v", n, err)
	}
}

// naming is how many files hold a text.
func naming(t *testing.T, dir, text string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if bytes.Contains(body, []byte(text)) {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
