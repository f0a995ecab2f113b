package evaluate

import (
	"time"

	"github.com/farmhound-security/farmhound/cmd/farmhound-lab/persona"
)

// tableDays are the working days at whose ends the weights of farms are shown.
var tableDays = []int{1, 3, 5, 20}

// marksOf are the ends of the table's working days since a farmed laptop became one.
func marksOf(l *persona.Laptop) []time.Time {
	if l.Kind == persona.Honest {
		return nil
	}
	var marks []time.Time
	for _, n := range tableDays {
		marks = append(marks, workingDayEnd(l.Begins(), n, l.Location()))
	}
	return marks
}

// workingDayEnd is the midnight after the n-th working day, the first being the day
// of from or the next that is one.
func workingDayEnd(from time.Time, n int, loc *time.Location) time.Time {
	at := from.In(loc)
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, loc)
	for {
		if working(day) {
			n--
		}
		day = day.AddDate(0, 0, 1)
		if n <= 0 {
			return day
		}
	}
}

func working(day time.Time) bool {
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}

// workingDays is how long it is from one moment to another, in days of 24 hours with
// Saturdays and Sundays left out.
func workingDays(from, to time.Time, loc *time.Location) float64 {
	total := time.Duration(0)
	for at := from.In(loc); at.Before(to); {
		next := time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, loc)
		if next.After(to) {
			next = to.In(loc)
		}
		if working(at) {
			total += next.Sub(at)
		}
		at = next
	}
	return total.Hours() / 24
}
