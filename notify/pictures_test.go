package notify

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"steward"
	"steward/notify/notifytest"
)

// pictureOf is a picture of so many values; -1 is one that is not known.
func pictureOf(values ...float64) *steward.Picture {
	p := &steward.Picture{Label: "logins a day, week by week", Alt: "Logins a day: 42 from 1 July on, 13 in the last week.", First: steward.Date(2026, 1, 5), Step: 7, Before: steward.Num(42)}
	for _, v := range values {
		if v < 0 {
			p.Values = append(p.Values, steward.Value{})
			continue
		}
		p.Values = append(p.Values, steward.Num(v))
	}
	return p
}

func TestSparklines(t *testing.T) {
	for want, in := range map[string][]float64{
		"██████▃▃": {42, 42, 42, 42, 42, 42, 13, 13},
		"▁█":       {0, 3},
		"█··▅":     {8, -1, -1, 4},
		"▁▁▁":      {0, 0, 0},
		"▁▂▃▄▅▆▇█": {0, 1, 2, 3, 4, 5, 6, 7},
		"███":      {5, 5, 5},
		"":         {},
	} {
		if got := Sparkline(pictureOf(in...).Values); got != want {
			t.Errorf("%v: %s, want %s", in, got, want)
		}
	}
	// It rises where the values do, whatever they are.
	rapid.Check(t, func(rt *rapid.T) {
		p := anyPicture().Draw(rt, "picture")
		line := []rune(Sparkline(p.Values))
		if len(line) != len(p.Values) {
			rt.Fatalf("%d characters for %d values", len(line), len(p.Values))
		}
		for i, a := range p.Values {
			for j, b := range p.Values {
				if isKnown(a) && isKnown(b) && a.Num <= b.Num && slices.Index(bars, line[i]) > slices.Index(bars, line[j]) {
					rt.Fatalf("%v is drawn %c and %v %c", a.Num, line[i], b.Num, line[j])
				}
			}
			if (line[i] == '·') == isKnown(a) {
				rt.Fatalf("%v is drawn %c", a, line[i])
			}
		}
	})
}

// Whatever the values are, a picture can be drawn: as an image of its size, and
// for a page as XML in which text is text.
func TestEveryPictureCanBeDrawn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := readPicture(anyPicture().Draw(rt, "picture"))
		if p == nil {
			return
		}
		var image bytes.Buffer
		if err := writePNG(&image, p); err != nil {
			rt.Fatal(err)
		}
		size, err := png.DecodeConfig(bytes.NewReader(image.Bytes()))
		if err != nil || size.Width != 960 || size.Height != 240 || image.Len() > 100_000 {
			rt.Fatalf("an image of %d by %d in %d bytes: %v", size.Width, size.Height, image.Len(), err)
		}
		svg := xml.NewDecoder(strings.NewReader(pictureSVG(p)))
		for {
			token, err := svg.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				rt.Fatalf("%v in %s", err, pictureSVG(p))
			}
			if el, ok := token.(xml.StartElement); ok && !slices.Contains([]string{"svg", "text", "path", "circle"}, el.Name.Local) {
				rt.Fatalf("an element %s in %s", el.Name.Local, pictureSVG(p))
			}
		}
		if strings.Contains(pictureSVG(p), "NaN") || strings.Contains(pictureSVG(p), "Inf") {
			rt.Fatalf("a place that is none: %s", pictureSVG(p))
		}
	})
}

// The line stands where the values are: high ones above, gaps empty.
func TestAnImageShowsTheValues(t *testing.T) {
	var image bytes.Buffer
	if err := writePNG(&image, pictureOf(40, 40, 40, 40, -1, -1, 10, 10)); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&image)
	if err != nil {
		t.Fatal(err)
	}
	// top is the first row in a column, in points, that has the line's colour.
	top := func(x float64) float64 {
		for y := plotTop - 4; y < plotBottom; y++ {
			r, g, b, _ := img.At(int(x*pictureScale), int(y*pictureScale)).RGBA()
			if r>>8 < 0x60 && g>>8 < 0x80 && b>>8 < 0x80 {
				return y
			}
		}
		return -1
	}
	if r, g, b, _ := img.At(int(plotLeft+10)*pictureScale, int(plotBottom-10)*pictureScale).RGBA(); r>>8 < 0xc0 || g>>8 < 0xc0 || b>>8 < 0xc0 || r>>8 > 0xf0 {
		t.Errorf("under the line it is %x %x %x, and should be a thin shade", r>>8, g>>8, b>>8)
	}
	step := (plotRight - plotLeft) / 7
	high, gap, low := top(plotLeft+1.5*step), top(plotLeft+4.5*step), top(plotLeft+6.5*step)
	if high < 0 || low < 0 || low-high < 30 || gap != -1 {
		t.Errorf("the line is at %v where 40 is, at %v in the gap and at %v where 10 is", high, gap, low)
	}
}

func TestCharts(t *testing.T) {
	b := chartBlock("picture-0", readPicture(pictureOf(42, 42.4242, -1, 1234.5)))
	raw, err := json.Marshal([]any{b})
	if err != nil {
		t.Fatal(err)
	}
	if err := notifytest.CheckBlocks(raw); err != nil {
		t.Fatal(err)
	}
	want := `"data":[{"label":"5 Jan","value":42},{"label":"12 Jan","value":42.4},{"label":"26 Jan","value":1230}]`
	if !strings.Contains(string(raw), want) || !strings.Contains(string(raw), `"title":"logins a day, week by week"`) || !strings.Contains(string(raw), `"name":"logins a day"`) {
		t.Errorf("no %s in %s", want, raw)
	}
	for in, want := range map[float64]string{0: "0", 0.123: "0.1", 9.714: "9.7", 12.34: "12.3", 99.96: "100", 1234: "1234", 12345: "12.3k", 1.5e6: "1.5M", 3e12: "3e+12", -42: "-42", 1e-9: "1e-09"} {
		if got := valueText(in, false); got != want {
			t.Errorf("%v reads %s, want %s", in, got, want)
		}
	}
	if got := valueText(0.256, true); got != "25.6%" {
		t.Errorf("a share reads %s", got)
	}
}

// picturedLetter is an ordinary card with a picture.
func picturedLetter() steward.Letter {
	l := goodLetter()
	l.Content.Parts[0].Picture = pictureOf(42, 42, 42, 40, 42, 41, 13, 13)
	return l
}

// blockTypes is the types of a post's blocks.
func blockTypes(t *testing.T, p notifytest.SlackPost) (out []string) {
	t.Helper()
	var blocks []struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(p.Blocks, &blocks); err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		out = append(out, b.Type)
	}
	return out
}

func TestPicturesAsTheWorkspaceAllows(t *testing.T) {
	const chart, image, text = "data_visualization", "image", "sparkline"
	for _, c := range []struct {
		name  string
		how   Pictures
		setup func(*notifytest.SlackServer)
		want  string
		posts int // calls for the first card, and for the second
		then  int
		files int
		hangs bool
	}{
		{"charts where they are taken", "", func(*notifytest.SlackServer) {}, chart, 1, 1, 0, false},
		{"an image where charts are not", AutoPictures, func(s *notifytest.SlackServer) { s.Refuse(chart) }, image, 2, 1, 1, false},
		{"an image that Slack has to look at first", AutoPictures, func(s *notifytest.SlackServer) { s.Refuse(chart); s.Digest(1) }, image, 3, 1, 1, false},
		{"text where neither", AutoPictures, func(s *notifytest.SlackServer) { s.Refuse(chart); s.Withhold("files:write") }, text, 2, 1, 0, false},
		{"text where images are never known", AutoPictures, func(s *notifytest.SlackServer) { s.Refuse(chart); s.Digest(99) }, text, 5, 4, 2, false},
		{"text where uploads fail", AutoPictures, func(s *notifytest.SlackServer) {
			s.Refuse(chart)
			s.Fail("upload", notifytest.SlackFailure{Status: 500})
		}, text, 2, 1, 1, false},
		{"text where uploads are never completed", ImagePictures, func(s *notifytest.SlackServer) {
			s.Fail("files.completeUploadExternal", notifytest.SlackFailure{Error: "internal_error"})
		}, text, 1, 1, 1, false},
		{"text where uploads hang", ImagePictures, func(s *notifytest.SlackServer) {
			s.Fail("files.getUploadURLExternal", notifytest.SlackFailure{Hang: true})
		}, text, 1, 1, 0, true},
		{"a chart and nothing else", ChartPictures, func(s *notifytest.SlackServer) { s.Refuse(chart) }, text, 2, 1, 0, false},
		{"an image and nothing else", ImagePictures, func(*notifytest.SlackServer) {}, image, 1, 1, 1, false},
		{"text", TextPictures, func(*notifytest.SlackServer) {}, text, 1, 1, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, server, _ := slackSetup(t)
			s.cfg.Pictures, s.cfg.Settle = c.how, time.Millisecond
			if c.hangs {
				s.drawn.within = 200 * time.Millisecond
			}
			c.setup(server)
			for n, want := range []int{c.posts, c.then} {
				before := server.Calls("chat.postMessage")
				l := picturedLetter()
				l.Message.ID = steward.MessageID(fmt.Sprintf("m-%d", n))
				if _, err := s.Send(t.Context(), l); err != nil {
					t.Fatal(err)
				}
				if got := server.Calls("chat.postMessage") - before; got != want {
					t.Errorf("card %d took %d calls, want %d", n, got, want)
				}
				post := server.Posts()[n]
				shown := text
				for _, typ := range blockTypes(t, post) {
					if typ == chart || typ == image {
						shown = typ
					}
				}
				if shown != c.want || shown == text && !strings.Contains(string(post.Blocks), Sparkline(picturedLetter().Content.Parts[0].Picture.Values)) || !strings.Contains(post.Text, "13 in the last week") {
					t.Errorf("card %d shows a %s, want a %s: %s", n, shown, c.want, post.Blocks)
				}
			}
			if got := len(server.Files()); got != c.files {
				t.Errorf("%d files were uploaded, want %d", got, c.files)
			}
		})
	}
}

// What a workspace does not take is tried again after a day; another fault of a
// card is not laid at the chart's door.
func TestRefusalsOfChartsAreForgotten(t *testing.T) {
	s, server, now := slackSetup(t)
	s.cfg.Pictures = ChartPictures
	send := func() []string {
		t.Helper()
		if _, err := s.Send(t.Context(), picturedLetter()); err != nil {
			t.Fatal(err)
		}
		posts := server.Posts()
		return blockTypes(t, posts[len(posts)-1])
	}
	server.Fail("chat.postMessage", notifytest.SlackFailure{Error: "invalid_blocks"})
	server.Fail("chat.postMessage", notifytest.SlackFailure{Error: "invalid_blocks"})
	_, err := s.Send(t.Context(), picturedLetter())
	wantFailure(t, err, steward.Refused, "invalid_blocks")
	if !slices.Contains(send(), "data_visualization") {
		t.Error("a card that was refused with and without its chart was held against charts")
	}
	server.Fail("chat.postMessage", notifytest.SlackFailure{Error: "invalid_blocks"})
	for range 2 {
		if slices.Contains(send(), "data_visualization") {
			t.Error("a refusal of a chart was not remembered")
		}
	}
	now.at = now.at.Add(25 * time.Hour)
	if !slices.Contains(send(), "data_visualization") {
		t.Error("a refusal of a chart is remembered for more than a day")
	}
}

// The token goes to the API, and never to the address that files are sent to; a
// card whose matter is over needs no picture.
func TestUploadsAreSpared(t *testing.T) {
	s, server, _ := slackSetup(t)
	s.cfg.Pictures = ImagePictures
	l := picturedLetter()
	receipt, err := s.Send(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Update(t.Context(), l, receipt.Ref); err != nil {
			t.Fatal(err)
		}
	}
	l.Face.Over = "Recovered on 3 March"
	if err := s.Update(t.Context(), l, receipt.Ref); err != nil {
		t.Fatal(err)
	}
	files := server.Files()
	if len(files) != 1 || !files[0].Complete || files[0].Title != "logins a day, week by week" {
		t.Fatalf("files %+v", files)
	}
	if slices.Contains(blockTypes(t, server.Posts()[0]), "image") {
		t.Error("a card that is over shows a picture")
	}
}
