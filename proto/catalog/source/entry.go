package source

import (
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// readEntry reads the keys of a file.
func (r *reader) readEntry(n *yaml.Node) {
	e := r.document.entry
	r.mapping(n, map[string]func(*yaml.Node){
		"id": func(n *yaml.Node) {
			e.Id = r.text(n)
			r.document.id = r.at(n)
		},
		"name":       func(n *yaml.Node) { e.Name = r.text(n) },
		"origin":     func(n *yaml.Node) { r.document.origin = r.text(n) },
		"vendor":     func(n *yaml.Node) { e.Vendor = r.text(n) },
		"category":   func(n *yaml.Node) { e.Category = farmhoundv1.Category(r.word(n, categories)) },
		"unattended": func(n *yaml.Node) { e.Unattended = r.truth(n) },
		"session":    func(n *yaml.Node) { e.Session = farmhoundv1.SessionKind(r.word(n, sessions)) },
		"facts":      r.readSystems,
		"usb":        func(n *yaml.Node) { r.list(n, r.readUSB) },
		"edid":       func(n *yaml.Node) { r.list(n, r.readEDID) },
		"report_descriptors": func(n *yaml.Node) {
			r.list(n, r.readDescriptor)
		},
		"references": func(n *yaml.Node) {
			r.list(n, func(n *yaml.Node) { e.References = append(e.References, r.text(n)) })
		},
	})
	for key, missing := range map[string]bool{
		"id": e.GetId() == "", "name": e.GetName() == "", "category": e.GetCategory() == 0, "facts, usb, edid or report_descriptors": len(e.GetFacts()) == 0,
	} {
		if missing && len(r.problems) == 0 {
			r.fail(n, "needs %s", key)
		}
	}
}

// readSystems reads facts by operating system, strength and kind.
func (r *reader) readSystems(n *yaml.Node) {
	keys := map[string]func(*yaml.Node){}
	for system, os := range systems {
		keys[system] = func(n *yaml.Node) { r.readStrengths(n, farmhoundv1.OperatingSystem(os)) }
	}
	r.mapping(n, keys)
}

func (r *reader) readStrengths(n *yaml.Node, os farmhoundv1.OperatingSystem) {
	keys := map[string]func(*yaml.Node){}
	for word, strength := range strengths {
		keys[word] = func(n *yaml.Node) { r.readKinds(n, os, farmhoundv1.Strength(strength)) }
	}
	r.mapping(n, keys)
}

func (r *reader) readKinds(n *yaml.Node, os farmhoundv1.OperatingSystem, strength farmhoundv1.Strength) {
	keys := map[string]func(*yaml.Node){}
	for word, kind := range kinds {
		keys[word] = func(n *yaml.Node) {
			r.list(n, func(n *yaml.Node) {
				f := &farmhoundv1.Fact{Kind: farmhoundv1.FactKind(kind), Os: os, Strength: strength}
				r.readFact(n, f)
			})
		}
	}
	r.mapping(n, keys)
}

// readFact reads a value, or a mapping of a value with what else it says.
func (r *reader) readFact(n *yaml.Node, f *farmhoundv1.Fact) {
	if n.Kind == yaml.MappingNode {
		r.mapping(n, map[string]func(*yaml.Node){
			"value":      func(n *yaml.Node) { f.Value = r.text(n) },
			"unattended": func(n *yaml.Node) { f.Unattended = r.truth(n) },
			"common":     func(n *yaml.Node) { f.Common = r.truth(n) },
		})
	} else {
		f.Value = r.text(n)
	}
	r.add(n, f)
}

// add keeps a fact that a catalogue may hold.
func (r *reader) add(n *yaml.Node, f *farmhoundv1.Fact) {
	if err := catalog.CheckFact(f); err != nil {
		r.fail(n, "%v", err)
		return
	}
	r.document.entry.Facts = append(r.document.entry.Facts, f)
	r.document.facts = append(r.document.facts, r.at(n))
}

func (r *reader) readUSB(n *yaml.Node) {
	usb := &farmhoundv1.UsbIdentity{}
	f := &farmhoundv1.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_USB, Usb: usb}
	r.mapping(n, map[string]func(*yaml.Node){
		"strength":     func(n *yaml.Node) { f.Strength = farmhoundv1.Strength(r.word(n, strengths)) },
		"vendor_id":    func(n *yaml.Node) { usb.VendorId = proto.Uint32(r.number(n, 0xffff)) },
		"product_id":   func(n *yaml.Node) { usb.ProductId = proto.Uint32(r.number(n, 0xffff)) },
		"manufacturer": func(n *yaml.Node) { usb.Manufacturer = r.text(n) },
		"product":      func(n *yaml.Node) { usb.Product = r.text(n) },
		"storage_name": func(n *yaml.Node) { usb.StorageName = r.text(n) },
		"decoy_serial": func(n *yaml.Node) { usb.DecoySerial = r.truth(n) },
	})
	r.addRated(n, f)
}

func (r *reader) readEDID(n *yaml.Node) {
	edid := &farmhoundv1.EdidIdentity{}
	f := &farmhoundv1.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_EDID, Edid: edid}
	r.mapping(n, map[string]func(*yaml.Node){
		"strength":     func(n *yaml.Node) { f.Strength = farmhoundv1.Strength(r.word(n, strengths)) },
		"maker":        func(n *yaml.Node) { edid.Maker = r.text(n) },
		"product_code": func(n *yaml.Node) { edid.ProductCode = proto.Uint32(r.number(n, 0xffff)) },
		"name":         func(n *yaml.Node) { edid.Name = r.text(n) },
		"decoy_serial": func(n *yaml.Node) { edid.DecoySerial = r.truth(n) },
	})
	r.addRated(n, f)
}

func (r *reader) readDescriptor(n *yaml.Node) {
	f := &farmhoundv1.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR}
	r.mapping(n, map[string]func(*yaml.Node){
		"strength": func(n *yaml.Node) { f.Strength = farmhoundv1.Strength(r.word(n, strengths)) },
		"sha256":   func(n *yaml.Node) { f.Value = r.text(n) },
		// For the reader of the file only.
		"interface": func(n *yaml.Node) { r.text(n) },
	})
	r.addRated(n, f)
}

// addRated adds a fact that says its strength itself.
func (r *reader) addRated(n *yaml.Node, f *farmhoundv1.Fact) {
	if f.GetStrength() == farmhoundv1.Strength_STRENGTH_UNSPECIFIED {
		r.fail(n, "needs strength: %s", words(strengths))
		return
	}
	r.add(n, f)
}
