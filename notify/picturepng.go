package notify

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"steward"
)

// A picture's size in points, and how many pixels one is: twice, so that it is
// sharp on the screens of today.
const (
	pictureWidth  = 480
	pictureHeight = 120
	pictureScale  = 2
)

// The colours stand on a ground of their own, which reads on Slack's light and
// dark alike.
var pictureColours = struct{ ground, line, fill, dot, before, words color.RGBA }{
	ground: color.RGBA{0xfb, 0xfa, 0xf7, 0xff},
	line:   color.RGBA{0x23, 0x52, 0x4a, 0xff},
	fill:   color.RGBA{0x04, 0x0a, 0x09, 0x1f}, // the line's, thin; premultiplied, as all of them
	dot:    color.RGBA{0xd9, 0x6c, 0x1a, 0xff},
	before: color.RGBA{0xa8, 0xa4, 0x9c, 0xff},
	words:  color.RGBA{0x6b, 0x6a, 0x68, 0xff},
}

// writePNG draws a picture: its line over the weeks, a gap where nothing is
// known, the last value as a dot with its number, and in grey what it is to be
// compared with.
func writePNG(w io.Writer, p *steward.Picture) error {
	face, err := pictureFace()
	if err != nil {
		return err
	}
	c := &canvas{img: image.NewRGBA(image.Rect(0, 0, pictureWidth*pictureScale, pictureHeight*pictureScale)), face: face}
	draw.Draw(c.img, c.img.Bounds(), image.NewUniform(pictureColours.ground), image.Point{}, draw.Src)
	c.plot(p)
	return png.Encode(w, c.img)
}

func pictureFace() (font.Face, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: 11 * pictureScale, DPI: 72, Hinting: font.HintingFull})
}

// canvas draws in points.
type canvas struct {
	img  *image.RGBA
	face font.Face
}

// The plot's own part of the picture, in points: above it the label, below it the
// days, to the right of it the last value.
const plotLeft, plotRight, plotTop, plotBottom = 14.0, 420.0, 30.0, 94.0

func (c *canvas) plot(p *steward.Picture) {
	low, high := pictureRange(p)
	at := func(i int, v float64) (x, y float64) {
		x = plotLeft + (plotRight-plotLeft)*float64(i)/float64(max(len(p.Values)-1, 1))
		return x, plotBottom - (plotBottom-plotTop)*((v/2-low/2)/(high/2-low/2))
	}
	c.text(plotLeft, 18, shorten(p.Label, 60), pictureColours.words, false)
	c.text(plotLeft, 112, dayWords(p.First), pictureColours.words, false)
	last := p.First + steward.Day(len(p.Values)*p.Step) - 1
	c.text(plotRight, 112, dayWords(last), pictureColours.words, true)
	c.stroke([][2]float64{{plotLeft, plotBottom}, {plotRight, plotBottom}}, 1, pictureColours.before)
	if p.Before.Known {
		_, y := at(0, p.Before.Num)
		for x := plotLeft; x < plotRight; x += 8 {
			c.stroke([][2]float64{{x, y}, {min(x+4, plotRight), y}}, 1, pictureColours.before)
		}
	}
	end := -1
	for _, run := range knownRuns(p.Values) {
		var points [][2]float64
		for i := run[0]; i <= run[1]; i++ {
			x, y := at(i, p.Values[i].Num)
			points = append(points, [2]float64{x, y})
		}
		c.fill(append(append([][2]float64{{points[0][0], plotBottom}}, points...), [2]float64{points[len(points)-1][0], plotBottom}), pictureColours.fill)
		c.stroke(points, 2, pictureColours.line)
		if len(points) == 1 {
			c.dot(points[0][0], points[0][1], 2, pictureColours.line)
		}
		end = run[1]
	}
	if end >= 0 {
		x, y := at(end, p.Values[end].Num)
		c.dot(x, y, 4, pictureColours.dot)
		c.text(x+9, min(y+4, plotBottom), valueText(p.Values[end].Num, p.Percent), pictureColours.words, false)
	}
}

// pictureRange is from nothing, or the lowest below it, to the highest.
func pictureRange(p *steward.Picture) (low, high float64) {
	high = math.Inf(-1)
	for _, v := range append([]steward.Value{p.Before}, p.Values...) {
		if isKnown(v) {
			low, high = min(low, v.Num), max(high, v.Num)
		}
	}
	if high <= low {
		high = low + 1
	}
	return low, high
}

// knownRuns are the stretches of known values, by their first and last index.
func knownRuns(values []steward.Value) (out [][2]int) {
	for i, v := range values {
		switch {
		case !isKnown(v):
		case len(out) > 0 && out[len(out)-1][1] == i-1:
			out[len(out)-1][1] = i
		default:
			out = append(out, [2]int{i, i})
		}
	}
	return out
}

func dayWords(d steward.Day) string { return d.Start(time.UTC).Format("2 Jan") }

// fill paints the inside of a polygon, looking no further than it reaches.
func (c *canvas) fill(points [][2]float64, with color.RGBA) {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, p := range points {
		left, right = min(left, p[0]*pictureScale), max(right, p[0]*pictureScale)
		top, bottom = min(top, p[1]*pictureScale), max(bottom, p[1]*pictureScale)
	}
	box := image.Rect(int(math.Floor(left)), int(math.Floor(top)), int(math.Ceil(right))+1, int(math.Ceil(bottom))+1)
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	for i, p := range points {
		x, y := float32(p[0]*pictureScale-float64(box.Min.X)), float32(p[1]*pictureScale-float64(box.Min.Y))
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
	r.Draw(c.img, box, image.NewUniform(with), image.Point{})
}

// stroke paints a line of a width, with round joins.
func (c *canvas) stroke(points [][2]float64, width float64, with color.RGBA) {
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		dx, dy := b[0]-a[0], b[1]-a[1]
		length := math.Hypot(dx, dy)
		if length == 0 {
			continue
		}
		nx, ny := -dy/length*width/2, dx/length*width/2
		c.fill([][2]float64{{a[0] + nx, a[1] + ny}, {b[0] + nx, b[1] + ny}, {b[0] - nx, b[1] - ny}, {a[0] - nx, a[1] - ny}}, with)
		if i < len(points)-1 {
			c.dot(b[0], b[1], width/2, with)
		}
	}
}

func (c *canvas) dot(x, y, radius float64, with color.RGBA) {
	const corners = 24
	var points [][2]float64
	for i := range corners {
		angle := 2 * math.Pi * float64(i) / corners
		points = append(points, [2]float64{x + radius*math.Cos(angle), y + radius*math.Sin(angle)})
	}
	c.fill(points, with)
}

// text writes from x on, or up to it.
func (c *canvas) text(x, y float64, s string, with color.RGBA, ends bool) {
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(with), Face: c.face}
	if ends {
		x -= float64(d.MeasureString(s)) / 64 / pictureScale
	}
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(x * pictureScale * 64), Y: fixed.Int26_6(y * pictureScale * 64)}
	d.DrawString(s)
}
