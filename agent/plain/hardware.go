package plain

import (
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// signs says by what a device was recognised.
var signs = map[farmhoundv1.RecognisedBy]string{
	farmhoundv1.RecognisedBy_RECOGNISED_BY_IDENTITY:            "by what it says of itself",
	farmhoundv1.RecognisedBy_RECOGNISED_BY_REPORT_DESCRIPTOR:   "by the report descriptors in its firmware, whatever it calls itself",
	farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE_WITH_STORAGE:  "because it is keyboard, absolute pointer and storage in one",
	farmhoundv1.RecognisedBy_RECOGNISED_BY_IMPOSSIBLE_IDENTITY: "because it offers what the product that it calls itself does not have",
	farmhoundv1.RecognisedBy_RECOGNISED_BY_SHAPE:               "because it is keyboard and absolute pointer in one",
}

// taken says in a sentence each what attached hardware was taken for.
func taken(h *farmhoundv1.Hardware) []string {
	var sentences []string
	for _, d := range h.GetUsb() {
		if sign := signs[d.GetRecognisedBy()]; sign != "" {
			sentences = append(sentences, "The USB device "+named(d.GetProduct())+"on port "+quoted(d.GetPortPath())+" is taken for "+entry(d.GetCatalogId())+", "+sign+".")
		}
	}
	for _, d := range h.GetDisplays() {
		if sign := signs[d.GetRecognisedBy()]; sign != "" {
			sentences = append(sentences, "The display "+named(d.GetName())+"on "+quoted(d.GetConnector())+" is taken for "+entry(d.GetCatalogId())+", "+sign+".")
		}
	}
	return sentences
}

func named(name string) string {
	if name == "" {
		return ""
	}
	return quoted(name) + " "
}

func entry(id string) string {
	if id == "" {
		return "a remote console that poses as something else"
	}
	return "the catalogue's entry " + quoted(id)
}
