package configs

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/de"

	"steward"
)

// states are the public holidays of parts of countries, where they differ most
// and are known.
var states = map[string][]*cal.Holiday{
	"DE-BW": de.HolidaysBW,
	"DE-BY": de.HolidaysBY,
	"DE-BE": de.HolidaysBE,
	"DE-BB": de.HolidaysBB,
	"DE-HB": de.HolidaysHB,
	"DE-HH": de.HolidaysHH,
	"DE-HE": de.HolidaysHE,
	"DE-MV": de.HolidaysMV,
	"DE-NI": de.HolidaysNI,
	"DE-NW": de.HolidaysNW,
	"DE-RP": de.HolidaysRP,
	"DE-SL": de.HolidaysSL,
	"DE-SN": de.HolidaysSN,
	"DE-ST": de.HolidaysST,
	"DE-SH": de.HolidaysSH,
	"DE-TH": de.HolidaysTH,
	"CH-ZH": ch.HolidaysZH,
	"CH-BE": ch.HolidaysBE,
	"CH-LU": ch.HolidaysLU,
	"CH-UR": ch.HolidaysUR,
	"CH-SZ": ch.HolidaysSZ,
	"CH-OW": ch.HolidaysOW,
	"CH-NW": ch.HolidaysNW,
	"CH-GL": ch.HolidaysGL,
	"CH-ZG": ch.HolidaysZG,
	"CH-FR": ch.HolidaysFR,
	"CH-SO": ch.HolidaysSO,
	"CH-BS": ch.HolidaysBS,
	"CH-BL": ch.HolidaysBL,
	"CH-SH": ch.HolidaysSH,
	"CH-AR": ch.HolidaysAR,
	"CH-AI": ch.HolidaysAI,
	"CH-SG": ch.HolidaysSG,
	"CH-GR": ch.HolidaysGR,
	"CH-AG": ch.HolidaysAG,
	"CH-TG": ch.HolidaysTG,
	"CH-VD": ch.HolidaysVD,
	"CH-TI": ch.HolidaysTI,
	"CH-VS": ch.HolidaysVS,
	"CH-NE": ch.HolidaysNE,
	"CH-GE": ch.HolidaysGE,
	"CH-JU": ch.HolidaysJU,
}

// holidaysOf is the days that are free in a country or state, by its code; nil
// where they are not known.
func holidaysOf(code string) func(steward.Day) bool {
	code = strings.ToUpper(strings.TrimSpace(code))
	list, ok := states[code]
	if !ok {
		list, ok = calendars[code]
	}
	if country, _, part := strings.Cut(code, "-"); !ok && part {
		list, ok = calendars[country] // of a part that is not known, the country's
	}
	if !ok {
		return nil
	}
	calendar := &cal.Calendar{Holidays: list}
	return func(d steward.Day) bool {
		actual, observed, _ := calendar.IsHoliday(d.Start(time.UTC))
		return actual || observed
	}
}

// countries is the codes of the countries whose holidays are known.
func countries() []string { return slices.Sorted(maps.Keys(calendars)) }
