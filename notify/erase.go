package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"steward"
)

// ErasePreviews takes messages out of a preview folder: their files, their lines
// in the journal, and the page, which is drawn anew. It tells how many files are
// gone. A folder that is not there holds nothing.
//
// A worker that previews a message at the same moment may lose that message's
// line in the journal, and so its place on the page; its file stays.
func ErasePreviews(dir string, messages []steward.MessageID) (int, error) {
	if len(messages) == 0 {
		return 0, nil
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isPreviewOf(d.Name(), messages) {
			return err
		}
		files++
		return os.Remove(path)
	})
	if errors.Is(err, fs.ErrNotExist) && files == 0 {
		return 0, nil
	}
	if err == nil {
		err = eraseLines(filepath.Join(dir, journalName), messages)
	}
	if err == nil {
		err = (&PreviewSender{cfg: PreviewConfig{Dir: dir}, dirty: true}).Flush()
	}
	if err != nil {
		return files, fmt.Errorf("erase previews: %w", err)
	}
	return files, nil
}

// isPreviewOf tells a message's file by its name, whatever its ending.
func isPreviewOf(name string, messages []steward.MessageID) bool {
	return slices.ContainsFunc(messages, func(id steward.MessageID) bool { return strings.HasPrefix(name, fileName(id)+".") })
}

// eraseLines puts a journal without the messages in its place.
func eraseLines(path string, messages []steward.MessageID) error {
	journal, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var kept bytes.Buffer
	for line := range bytes.Lines(journal) {
		var e previewEntry
		// A line that was cut short by a crash names nobody for certain, and is of no
		// use either.
		if json.Unmarshal(line, &e) == nil && !slices.Contains(messages, e.ID) {
			kept.Write(line)
		}
	}
	return writeWhole(path, kept.Bytes())
}
