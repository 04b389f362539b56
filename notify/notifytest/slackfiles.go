package notifytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// files is what was uploaded, in Slack's three steps: an address is asked for,
// the bytes are sent there, the upload is completed.
type files struct {
	all     []*SlackFile
	untaken map[string]bool // types of block that the workspace does not take
	delay   int
}

// A SlackFile is a file that was uploaded, or is on its way.
type SlackFile struct {
	ID, Title string
	Length    int // as it was announced
	Body      []byte
	Complete  bool
	wait      int // so often it is not known yet, though complete
}

// Refuse has the workspace take no blocks of a type, such as data_visualization,
// as during a rollout.
func (s *SlackServer) Refuse(blockType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files.untaken == nil {
		s.files.untaken = map[string]bool{}
	}
	s.files.untaken[blockType] = true
}

// Digest has files be unknown to so many messages after they were completed:
// Slack looks at an image before it shows it.
func (s *SlackServer) Digest(messages int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files.delay = messages
}

// Files is what was uploaded.
func (s *SlackServer) Files() []SlackFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []SlackFile
	for _, f := range s.files.all {
		out = append(out, *f)
	}
	return out
}

func (f *files) find(id string) *SlackFile {
	for _, x := range f.all {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// shown tells whether a message may show a file.
func (f *files) shown(id string) bool {
	x := f.find(id)
	if x == nil || !x.Complete {
		return false
	}
	if x.wait > 0 {
		x.wait--
		return false
	}
	return true
}

func (s *SlackServer) getUploadURL(r *http.Request) map[string]any {
	length, err := strconv.Atoi(r.PostForm.Get("length"))
	if err != nil || length <= 0 || r.PostForm.Get("filename") == "" || len(r.PostForm.Get("alt_txt")) > 4000 {
		return no("invalid_arguments")
	}
	f := &SlackFile{ID: fmt.Sprintf("F%d", len(s.files.all)+1), Length: length, wait: s.files.delay}
	s.files.all = append(s.files.all, f)
	return map[string]any{"ok": true, "upload_url": s.server.URL + "/upload/" + f.ID, "file_id": f.ID}
}

// serveUpload takes the bytes of a file. They go to an address outside the API,
// which is to be given no token.
func (s *SlackServer) serveUpload(w http.ResponseWriter, r *http.Request) bool {
	id, ok := strings.CutPrefix(r.URL.Path, "/upload/")
	if !ok {
		return false
	}
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["upload"]++
	failure, fails := s.nextFailure("upload", r)
	f := s.files.find(id)
	switch {
	case fails:
		w.WriteHeader(max(failure.Status, http.StatusBadRequest))
	case err != nil, f == nil, len(body) != f.Length, r.Header.Get("Authorization") != "":
		http.Error(w, "bad upload", http.StatusBadRequest)
	default:
		f.Body = body
		fmt.Fprintf(w, "OK - %d", len(body))
	}
	return true
}

func (s *SlackServer) completeUpload(r *http.Request) map[string]any {
	var list []struct{ ID, Title string }
	if json.Unmarshal([]byte(r.PostForm.Get("files")), &list) != nil || len(list) == 0 {
		return no("invalid_arguments")
	}
	for _, x := range list {
		f := s.files.find(x.ID)
		if f == nil || len(f.Body) == 0 {
			return no("file_not_found")
		}
		if _, err := png.DecodeConfig(bytes.NewReader(f.Body)); err != nil {
			return no("invalid_file")
		}
		f.Complete, f.Title = true, x.Title
	}
	return map[string]any{"ok": true, "files": []any{map[string]any{"id": list[0].ID}}}
}
