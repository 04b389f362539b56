package series_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"steward"
	"steward/series"
)

// values draws what metrics are made of: counts, balances, short decimals,
// anything that fits a float32, and any number at all.
func values(t *rapid.T) []float64 {
	finite := func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
	gen := rapid.SampledFrom([]*rapid.Generator[float64]{
		rapid.Just(7.0),
		rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 300).Draw(t, "count")) }),
		rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.Int32().Draw(t, "int32")) }),
		rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.Int64().Draw(t, "int64")) }),
		rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-99_999, 99_999).Draw(t, "cents")) / 100 }),
		rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(-9_999, 9_999).Draw(t, "tenths")) * 0.1 }),
		rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.Float32().Draw(t, "float32")) }).Filter(finite),
		rapid.Float64().Filter(finite),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64,
			math.SmallestNonzeroFloat64, 1 << 53, 1<<53 + 2, -(1 << 53), 1<<32 - 1, 1 << 32, 0.1 + 0.2, 9007199254740.993}),
	}).Draw(t, "kind of value")
	gaps := rapid.IntRange(0, 3).Draw(t, "gaps")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 {
		if rapid.IntRange(0, 9).Draw(t, "gap") < gaps {
			return none
		}
		return gen.Draw(t, "value")
	}), 0, 60).Draw(t, "values")
}

func TestPackingLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := steward.Day(rapid.IntRange(0, int(series.LastDay)-60).Draw(t, "start"))
		s, err := series.New(start, values(t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := series.Decode(series.Encode(s))
		if err != nil {
			t.Fatalf("decode: %v", err)
		}
		if !got.Equal(s) {
			t.Fatalf("got  %v\nwant %v", got, s)
		}
	})
}

// Where one encoding ends and the next begins.
func TestPackingAtTheEdges(t *testing.T) {
	negativeZero := math.Copysign(0, -1)
	for _, v := range [][]float64{
		{negativeZero}, {negativeZero, 1}, {0, negativeZero, 0.5}, {negativeZero, 0.37},
		{0, 255}, {0, 256}, {0, 65_535}, {0, 65_536}, {0, 1<<32 - 1}, {0, 1 << 32}, {-3, 253}, {-1 << 31, 1 << 31},
		{1 << 53}, {1<<53 - 1, 1 << 53}, {1<<53 + 2}, {-1 << 53}, {-1 << 53, 1 << 53},
		{0.001, 0.002}, {0.0001, 1}, {65.535, 0}, {65.536, 0}, {0.1, 0.25, 0.125}, {0.1 + 0.2}, {1e22, 1e23},
		{math.MaxFloat32, 0.5}, {math.MaxFloat64}, {math.SmallestNonzeroFloat32}, {math.SmallestNonzeroFloat64},
	} {
		s := series.Series{Start: 20_000, Values: v}
		if got, err := series.Decode(series.Encode(s)); err != nil || !got.Equal(s) {
			t.Errorf("%v came back as %v, %v", v, got.Values, err)
		}
	}
}

// What a year of a metric takes, so that a change that makes storage grow is
// seen. 25 bytes leave room for the frame.
func TestPackedSize(t *testing.T) {
	year := func(f func(day int) float64) series.Series {
		out := make([]float64, 400)
		for i := range out {
			out[i] = f(i)
		}
		s, err := series.New(20_000, out)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name string
		s    series.Series
		most int
	}{
		{"constant seats", year(func(int) float64 { return 250 }), 25},
		{"logins", year(func(i int) float64 { return float64(i * 7 % 250) }), 400 + 25},
		{"a large balance that moves little", year(func(i int) float64 { return 48_000_000 + float64(i%200) }), 400 + 25},
		{"requests", year(func(i int) float64 { return float64(i * 150) }), 800 + 25},
		{"weekly gauge", year(func(i int) float64 {
			if i%7 > 0 {
				return none
			}
			return float64(i)
		}), 50 + 2*58 + 25},
		{"euros and cents", year(func(i int) float64 { return float64(i*37%50_000) / 100 }), 800 + 25},
		{"halves and eighths", year(func(i int) float64 { return float64(i) / 8 }), 800 + 25},
		{"float32", year(func(i int) float64 { return float64(float32(i) / 3) }), 1600 + 25},
		{"float64", year(func(i int) float64 { return float64(i) / 3 }), 3200 + 25},
		{"nothing", series.Series{}, 6},
	} {
		b := series.Encode(c.s)
		if len(b) > c.most {
			t.Errorf("%s takes %d bytes, want at most %d", c.name, len(b), c.most)
		}
		if got, err := series.Decode(b); err != nil || !got.Equal(c.s) {
			t.Errorf("%s does not survive packing: %v", c.name, err)
		}
	}
}

func TestDecodeNoticesEveryFlippedBitAndEveryCut(t *testing.T) {
	s, err := series.New(20_000, []float64{1, none, 300, 4.5})
	if err != nil {
		t.Fatal(err)
	}
	whole := series.Encode(s)
	for i := range len(whole) * 8 {
		b := slices.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		if got, err := series.Decode(b); !errors.Is(err, series.ErrDamaged) {
			t.Errorf("bit %d flipped: %v, %v", i, got, err)
		}
	}
	for n := range whole {
		if got, err := series.Decode(whole[:n]); !errors.Is(err, series.ErrDamaged) {
			t.Errorf("cut to %d bytes: %v, %v", n, got, err)
		}
	}
}

func sealed(body ...byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.ChecksumIEEE(body))
}

// Blocks whose checksum is right and whose content is not: what a faulty or
// hostile writer could leave.
func TestDecodeIsStrict(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<40)
	inf := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.Inf(1))))
	for _, c := range []struct {
		name string
		body []byte
	}{
		{"nothing after the encoding", []byte{1, 0x01}},
		{"no such width", []byte{1, 0x03, 0, 1, 0, 0, 1, 1, 1}},
		{"no such decimals", []byte{1, 0x41, 0, 1, 0, 0, 1}},
		{"empty with content", []byte{1, 0xF0, 0}},
		{"no days", []byte{1, 0x01, 0, 0, 0, 0}},
		{"a day before 1970", []byte{1, 0x00, 1, 1, 0, 14}},
		{"too many days", append(append([]byte{1, 0x00, 0}, huge...), 0, 14)},
		{"length without end", []byte{1, 0x00, 0, 0xFF, 0xFF, 0xFF}},
		{"neither with nor without gaps", []byte{1, 0x00, 0, 1, 2, 14}},
		{"bitmap cut short", []byte{1, 0x00, 0, 9, 1, 0xFF}},
		{"first day missing", []byte{1, 0x01, 0, 3, 1, 0b110, 0, 1, 2}},
		{"last day missing", []byte{1, 0x01, 0, 3, 1, 0b011, 0, 1, 2}},
		{"days after the last", []byte{1, 0x01, 0, 4, 1, 0b11001, 0, 1, 2, 3}},
		{"bitmap without a gap", []byte{1, 0x01, 0, 3, 1, 0b111, 0, 1, 2, 3}},
		{"too few values", []byte{1, 0x01, 0, 3, 0, 0, 1, 2}},
		{"too many values", []byte{1, 0x01, 0, 3, 0, 0, 1, 2, 3, 4}},
		{"smallest without end", []byte{1, 0x00, 0, 1, 0, 0xFF}},
		{"smallest beyond whole floats", append([]byte{1, 0x00, 0, 1, 0}, binary.AppendVarint(nil, 1<<60)...)},
		{"infinity", append([]byte{1, 0xF4, 0, 1, 0}, inf...)},
	} {
		if got, err := series.Decode(sealed(c.body...)); !errors.Is(err, series.ErrDamaged) {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
	}
	if _, err := series.Decode(sealed(2, 0x00, 0, 1, 0, 14)); !errors.Is(err, series.ErrVersion) {
		t.Errorf("a later version: %v", err)
	}
	if s, err := series.Decode(sealed(1, 0x00, 0, 1, 0, 14)); err != nil || s.Len() != 1 || s.Values[0] != 7 {
		t.Errorf("the block that the others spoil: %v, %v", s, err)
	}
}

// FuzzDecode also tries every input with a right checksum, without which the
// fuzzer would never get past it.
func FuzzDecode(f *testing.F) {
	for _, v := range [][]float64{nil, {7}, {1, none, 300}, {0.25, 0.37}, {1e300, -1, none, 0.1}, {float64(float32(0.3))}} {
		s, err := series.New(20_000, v)
		if err != nil {
			f.Fatal(err)
		}
		b := series.Encode(s)
		f.Add(b)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, sealed(b...)} {
			s, err := series.Decode(b)
			if err != nil {
				if !s.IsEmpty() {
					t.Fatalf("%v beside the error %v", s, err)
				}
				continue
			}
			if s.Len() > series.MaxDays {
				t.Fatalf("%d days", s.Len())
			}
			if checked, err := series.New(s.Start, s.Values); err != nil || !checked.Equal(s) {
				t.Fatalf("decoded what New would not make: %v, %v", s, err)
			}
			if again, err := series.Decode(series.Encode(s)); err != nil || !again.Equal(s) {
				t.Fatalf("does not survive packing: %v", err)
			}
		}
	})
}

func BenchmarkPacking(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	const n = 400
	for _, c := range []struct {
		name  string
		value func(i int) float64
	}{
		{"counts", func(int) float64 { return float64(r.IntN(250)) }},
		{"gaps", func(i int) float64 {
			if i > 0 && i < n-1 && i%7 > 4 {
				return none
			}
			return float64(r.IntN(5000))
		}},
		{"cents", func(int) float64 { return float64(r.IntN(50_000)) / 100 }},
		{"floats", func(int) float64 { return r.NormFloat64() }},
	} {
		v := make([]float64, n)
		for i := range v {
			v[i] = c.value(i)
		}
		s, err := series.New(20_000, v)
		if err != nil {
			b.Fatal(err)
		}
		packed := series.Encode(s)
		perPoint := func(b *testing.B) {
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "Mpoints/s")
			b.ReportMetric(float64(len(packed))/n, "bytes/point")
		}
		b.Run(fmt.Sprintf("decode/%s", c.name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := series.Decode(packed); err != nil {
					b.Fatal(err)
				}
			}
			perPoint(b)
		})
		b.Run(fmt.Sprintf("encode/%s", c.name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				series.Encode(s)
			}
			perPoint(b)
		})
	}
}
