package series

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"

	"steward"
)

// A packed series is one block:
//
//	version   1 byte, 1
//	encoding  1 byte, see below
//	start     zigzag varint, the first day
//	days      uvarint, first to last, gaps included
//	gaps      1 byte: 0 every day has a value, 1 a bitmap follows, one bit per
//	          day, lowest bit first
//	values    only those of the days that have one
//	checksum  4 bytes, CRC-32 (IEEE) of all before it, little endian
//
// Whole and short decimal numbers are stored as unsigned distances from their
// smallest, in 0 (all alike), 1, 2 or 4 bytes, little endian:
//
//	low 4 bits of encoding  the width
//	high 4 bits             the decimals, 0 to 3: numbers are divided by 10^decimals
//	values                  zigzag varint of the smallest, then the distances
//
// Fixed widths, and not varints of differences: they are about as small for
// counts and unpack without a branch per value, and reading is what happens a
// thousand times as often as writing. Encodings 0xF4 and 0xF8 are float32,
// where that loses nothing, and float64. An empty series is the version and
// encoding 0xF0, then the checksum.
const (
	version = 1

	encEmpty   = 0xF0
	encFloat32 = 0xF4
	encFloat64 = 0xF8

	maxDecimals = 3
	checksumLen = 4
	maxWhole    = 1 << 53 // every whole number up to here is a float64
)

// What Decode finds wrong. They are told apart because data of a later version
// is sound, and mending it would lose it.
var (
	ErrVersion = errors.New("packed by a later version of the program; use that version to read it")
	ErrDamaged = errors.New("the packed series is damaged")
)

// Encode packs a series. Decode gives back the same values bit for bit.
func Encode(s Series) []byte {
	s = trim(s.Start, s.Values)
	if s.IsEmpty() {
		return seal([]byte{version, encEmpty})
	}
	n := s.Observed()
	enc, low, decimals := choose(s.Values)
	b := make([]byte, 0, 2+2*binary.MaxVarintLen64+1+len(s.Values)/8+1+binary.MaxVarintLen64+n*valueWidth(enc)+checksumLen)
	b = append(b, version, enc)
	b = binary.AppendVarint(b, int64(s.Start))
	b = binary.AppendUvarint(b, uint64(len(s.Values)))
	b = appendPresence(b, s.Values, n)
	switch enc {
	case encFloat64:
		for _, v := range s.Values {
			if v == v {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
			}
		}
	case encFloat32:
		for _, v := range s.Values {
			if v == v {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
			}
		}
	default:
		b = binary.AppendVarint(b, low)
		b = appendDistances(b, s.Values, low, decimals, valueWidth(enc))
	}
	return seal(b)
}

func seal(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }

// valueWidth is how many bytes each value takes.
func valueWidth(enc byte) int { return int(enc & 0x0F) }

// choose finds the smallest encoding that loses nothing, and for numbers kept
// as distances the smallest of them and the decimals.
func choose(values []float64) (enc byte, low int64, decimals int) {
	for decimals := range maxDecimals + 1 {
		low, high, ok := wholeRange(values, decimals)
		if !ok {
			continue
		}
		if w, ok := width(uint64(high - low)); ok {
			return byte(decimals<<4 | w), low, decimals
		}
	}
	for _, v := range values {
		if v == v && math.Float64bits(float64(float32(v))) != math.Float64bits(v) {
			return encFloat64, 0, 0
		}
	}
	return encFloat32, 0, 0
}

// width is the bytes that distances up to span take; false when 4 are too few.
func width(span uint64) (int, bool) {
	switch n := bits.Len64(span); {
	case n == 0:
		return 0, true
	case n <= 8:
		return 1, true
	case n <= 16:
		return 2, true
	case n <= 32:
		return 4, true
	default:
		return 0, false
	}
}

// wholeRange is the smallest and largest of the values as whole numbers of
// 10^-decimals; false when one of them is not exactly that.
func wholeRange(values []float64, decimals int) (low, high int64, ok bool) {
	low, high = math.MaxInt64, math.MinInt64
	for _, v := range values {
		if v != v {
			continue
		}
		w, exact := whole(v, decimals)
		if !exact {
			return 0, 0, false
		}
		low, high = min(low, w), max(high, w)
	}
	return low, high, true
}

// whole is v in units of 10^-decimals, when dividing back gives v bit for bit.
// That division is correctly rounded, so it gives exactly the float64 nearest
// to a short decimal: the one that reading "0.37" from a file gave. It refuses
// minus zero, whose sign whole numbers would lose.
func whole(v float64, decimals int) (int64, bool) {
	w := math.Round(v * power(decimals))
	if !(math.Abs(w) <= maxWhole) || math.Float64bits(w/power(decimals)) != math.Float64bits(v) {
		return 0, false
	}
	return int64(w), w != 0 || !math.Signbit(w)
}

func power(decimals int) float64 {
	p := 1.0
	for range decimals {
		p *= 10
	}
	return p
}

func appendPresence(b []byte, values []float64, observed int) []byte {
	if observed == len(values) {
		return append(b, 0)
	}
	b = append(b, 1)
	at := len(b)
	b = append(b, make([]byte, (len(values)+7)/8)...)
	for i, v := range values {
		if v == v {
			b[at+i/8] |= 1 << (i % 8)
		}
	}
	return b
}

func appendDistances(b []byte, values []float64, low int64, decimals, width int) []byte {
	for _, v := range values {
		if v != v {
			continue
		}
		w, _ := whole(v, decimals)
		switch d := uint64(w - low); width {
		case 1:
			b = append(b, byte(d))
		case 2:
			b = binary.LittleEndian.AppendUint16(b, uint16(d))
		case 4:
			b = binary.LittleEndian.AppendUint32(b, uint32(d))
		}
	}
	return b
}

// Decode unpacks a series. It is strict: a checksum, length, day or value that
// is not as it must be is ErrDamaged (or ErrVersion), and says what is wrong.
// Whatever the bytes, the series keeps its promises and takes memory for at
// most MaxDays values. It does not refer to b.
func Decode(b []byte) (Series, error) {
	enc, body, err := open(b)
	if err != nil {
		return Series{}, err
	}
	if enc == encEmpty {
		if len(body) > 0 {
			return Series{}, damaged("an empty series is followed by %d bytes", len(body))
		}
		return Series{}, nil
	}
	start, days, body, err := readExtent(body)
	if err != nil {
		return Series{}, err
	}
	bitmap, observed, body, err := readPresence(body, days)
	if err != nil {
		return Series{}, err
	}
	values := make([]float64, days)
	if err := readValues(values[:observed], enc, body); err != nil {
		return Series{}, err
	}
	if observed < days {
		spread(values, bitmap, observed)
	}
	return Series{Start: start, Values: values}, nil
}

// open checks what frames a block and gives its encoding and the rest.
func open(b []byte) (enc byte, body []byte, err error) {
	if len(b) < 2+checksumLen {
		return 0, nil, damaged("%d bytes are too few", len(b))
	}
	body, sum := b[:len(b)-checksumLen], binary.LittleEndian.Uint32(b[len(b)-checksumLen:])
	if crc32.ChecksumIEEE(body) != sum {
		return 0, nil, damaged("its checksum does not match")
	}
	if body[0] != version {
		return 0, nil, fmt.Errorf("series of format %d: %w", body[0], ErrVersion)
	}
	enc = body[1]
	switch enc {
	case encEmpty, encFloat32, encFloat64:
		return enc, body[2:], nil
	}
	if w := valueWidth(enc); enc>>4 > maxDecimals || w != 0 && w != 1 && w != 2 && w != 4 {
		return 0, nil, damaged("it has no encoding %#x", enc)
	}
	return enc, body[2:], nil
}

func readExtent(b []byte) (start steward.Day, days int, rest []byte, err error) {
	first, n := binary.Varint(b)
	if n <= 0 {
		return 0, 0, nil, damaged("it ends inside its first day")
	}
	b = b[n:]
	length, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, 0, nil, damaged("it ends inside its length")
	}
	if first < int64(FirstDay) || first > int64(LastDay) || length == 0 || length > uint64(int64(LastDay)-first)+1 {
		return 0, 0, nil, damaged("%d days from day %d on reach outside %s to %s", length, first, FirstDay, LastDay)
	}
	return steward.Day(first), int(length), b[n:], nil
}

// readPresence gives the bitmap of days with a value, nil when all have one,
// and how many that are.
func readPresence(b []byte, days int) (bitmap []byte, observed int, rest []byte, err error) {
	if len(b) == 0 {
		return nil, 0, nil, damaged("it ends before its values")
	}
	switch b[0] {
	case 0:
		return nil, days, b[1:], nil
	case 1:
	default:
		return nil, 0, nil, damaged("it does not say whether days are missing")
	}
	n := (days + 7) / 8
	if len(b) < 1+n {
		return nil, 0, nil, damaged("it ends inside the list of its days")
	}
	bitmap = b[1 : 1+n]
	for _, x := range bitmap {
		observed += bits.OnesCount8(x)
	}
	lastBit := (days - 1) % 8
	switch {
	case bitmap[0]&1 == 0 || bitmap[n-1]>>lastBit != 1:
		return nil, 0, nil, damaged("its first and last days have no value, or days follow the last")
	case observed == days:
		return nil, 0, nil, damaged("it lists missing days and misses none")
	}
	return bitmap, observed, b[1+n:], nil
}

// readValues unpacks all of b into values.
func readValues(values []float64, enc byte, b []byte) error {
	var low int64
	float := enc == encFloat32 || enc == encFloat64
	if !float {
		var n int
		if low, n = binary.Varint(b); n <= 0 {
			return damaged("it ends inside its smallest value")
		}
		if low < -maxWhole || low > maxWhole {
			return damaged("its smallest value, %d, is too large", low)
		}
		b = b[n:]
	}
	if want := len(values) * valueWidth(enc); len(b) != want {
		return damaged("it holds %d bytes of values in place of %d", len(b), want)
	}
	if float {
		return readFloats(values, enc, b)
	}
	readDistances(values, enc, b, low)
	return nil
}

func readFloats(values []float64, enc byte, b []byte) error {
	for i := range values {
		if enc == encFloat32 {
			values[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		} else {
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
		if math.IsNaN(values[i]) || math.IsInf(values[i], 0) {
			return damaged("a value is not a finite number")
		}
	}
	return nil
}

func readDistances(values []float64, enc byte, b []byte, low int64) {
	switch valueWidth(enc) {
	case 0:
		for i := range values {
			values[i] = float64(low)
		}
	case 1:
		for i := range values {
			values[i] = float64(low + int64(b[i]))
		}
	case 2:
		for i := range values {
			values[i] = float64(low + int64(binary.LittleEndian.Uint16(b[2*i:])))
		}
	case 4:
		for i := range values {
			values[i] = float64(low + int64(binary.LittleEndian.Uint32(b[4*i:])))
		}
	}
	if decimals := int(enc >> 4); decimals > 0 {
		p := power(decimals)
		for i := range values {
			values[i] /= p
		}
	}
}

// spread moves the observed values, packed at the front, to their days. It
// works from the back, where a value's place is never before where it lies, so
// that no second slice is needed.
func spread(values []float64, bitmap []byte, observed int) {
	from := observed
	for i := len(values) - 1; i >= 0; i-- {
		if bitmap[i/8]>>(i%8)&1 == 1 {
			from--
			values[i] = values[from]
		} else {
			values[i] = math.NaN()
		}
	}
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s; restore a backup or import its source again", ErrDamaged, fmt.Sprintf(format, args...))
}
