package main

import (
	"math"
	"strconv"
	"strings"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// gapSums says for how long reports were missing, by what is known of why.
func gapSums(s *fleetv1.Gaps) string {
	if s == nil {
		return ""
	}
	var words []string
	for _, kind := range []struct {
		hours float64
		was   string
	}{
		{s.GetAsleepHours(), "asleep"},
		{s.GetOffHours(), "off"},
		{s.GetTravellingHours(), "travelling"},
		{s.GetNetworkBlockedHours(), "network blocked"},
		{s.GetAgentStoppedHours(), "agent stopped"},
		{s.GetUnknownHours(), "unknown"},
	} {
		if hours := math.Round(kind.hours); hours > 0 {
			words = append(words, strconv.FormatFloat(hours, 'f', 0, 64)+" h "+kind.was)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "of the last 20 days " + strings.Join(words, ", ")
}

// gapWords says what one gap was. Sleep is nobody's concern.
func gapWords(g *fleetv1.Gap) string {
	if g.GetKind() == "asleep" {
		return ""
	}
	return strings.ReplaceAll(g.GetKind(), "_", " ") + " from " + at(g.GetFrom()) + " to " + at(g.GetTo())
}
