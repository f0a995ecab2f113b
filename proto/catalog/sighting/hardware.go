package sighting

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

var (
	// identity finds vendor and product in 1d6b:0104, also with 0x, within a line of
	// lsusb, or in a Windows device id.
	identity  = regexp.MustCompile(`(?i)(?:^|\s)(?:ID )?(?:0x)?([0-9a-f]{4}):(?:0x)?([0-9a-f]{4})(?:\s+|$)`)
	windowsID = regexp.MustCompile(`(?i)VID_([0-9a-f]{4})&PID_([0-9a-f]{4})(?:&[^\\\s]*)?(?:\\(\S*))?(?:\s+(.*))?$`)
	storageID = regexp.MustCompile(`(?i)VEN_([^&\\]*)&PROD_([^&\\]*)`)
)

// usb takes keys and values joined by semicolons, or vendor and product id followed by
// the device's own words.
func (t *touches) usb(value string) error {
	keys, rest := pairs(value)
	d := &farmhoundv1.UsbDevice{}
	switch {
	case len(keys) > 0:
		if err := describe(d, keys); err != nil {
			return err
		}
	case identity.MatchString(value):
		m := identity.FindStringSubmatchIndex(value)
		d.VendorId, d.ProductId = hex16(value[m[2]:m[3]]), hex16(value[m[4]:m[5]])
		rest = strings.TrimSpace(value[m[1]:])
	case windowsID.MatchString(value):
		m := windowsID.FindStringSubmatch(value)
		d.VendorId, d.ProductId = hex16(m[1]), hex16(m[2])
		d.Serial = &farmhoundv1.PeripheralSerial{Class: fleetkey.ClassOf(m[3])}
		rest = m[4]
	case storageID.MatchString(value):
		m := storageID.FindStringSubmatch(value)
		d.StorageNames = []string{strings.ReplaceAll(m[1]+" "+m[2], "_", " ")}
		rest = ""
	default:
		return fmt.Errorf("%q is neither vendor:product nor keys with values", short(value))
	}
	t.device(d)
	t.deviceWords(d, rest)
	return nil
}

func (t *touches) device(d *farmhoundv1.UsbDevice) {
	t.take(t.reader.catalog.AppendTouchedUSB(nil, d), false)
}

// deviceWords tries every way in which loose words may be maker, product and serial.
func (t *touches) deviceWords(d *farmhoundv1.UsbDevice, text string) {
	words := strings.Fields(strings.Trim(text, `"',;`))
	const most = 12
	if len(words) == 0 || len(words) > most {
		return
	}
	d.Manufacturer, d.Product = "", ""
	if d.GetSerial() == nil && fleetkey.ClassOf(words[len(words)-1]) == farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN {
		d.Serial = &farmhoundv1.PeripheralSerial{Class: farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN}
		words = words[:len(words)-1]
	}
	for i := range len(words) + 1 {
		d.Manufacturer, d.Product = strings.Trim(strings.Join(words[:i], " "), ",;"), strings.Join(words[i:], " ")
		t.device(d)
	}
}

// pairs splits keys and values joined by semicolons, and returns what is neither.
func pairs(value string) (map[string]string, string) {
	keys := map[string]string{}
	var rest []string
	for part := range strings.SplitSeq(value, ";") {
		key, text, found := strings.Cut(part, "=")
		if !found {
			rest = append(rest, strings.TrimSpace(part))
			continue
		}
		key = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(key), "_", ""))
		if _, taken := keys[key]; !taken {
			keys[key] = strings.Trim(strings.TrimSpace(text), `"`)
		}
	}
	return keys, strings.Join(rest, " ")
}

// first returns the value of the first key that is there.
func first(keys map[string]string, names ...string) string {
	for _, name := range names {
		if text := keys[name]; text != "" {
			return text
		}
	}
	return ""
}

func describe(d *farmhoundv1.UsbDevice, keys map[string]string) error {
	vendor, product := first(keys, "vid", "idvendor", "vendorid"), first(keys, "pid", "idproduct", "productid")
	for _, id := range []string{vendor, product} {
		if id != "" && !hexForm.MatchString(id) {
			return fmt.Errorf("%q is no id of four hexadecimal digits", short(id))
		}
	}
	d.VendorId, d.ProductId = hex16(vendor), hex16(product)
	d.Manufacturer = first(keys, "manufacturer", "imanufacturer", "vendor")
	d.Product = first(keys, "product", "iproduct", "name")
	if serial := first(keys, "serial", "iserial", "serialnumber"); serial != "" {
		d.Serial = &farmhoundv1.PeripheralSerial{Class: fleetkey.ClassOf(serial)}
	}
	if name := first(keys, "scsiinquiry", "storagename", "inquiry"); name != "" {
		d.StorageNames = []string{name}
	}
	if sum, err := hex.DecodeString(first(keys, "reportdescriptorsha256", "reportsha256")); err == nil && len(sum) == 32 {
		d.Interfaces = []*farmhoundv1.UsbInterface{{ReportDescriptorSha256: sum}}
	}
	if vendor == "" && d.GetManufacturer() == "" && d.GetProduct() == "" && len(d.GetStorageNames()) == 0 && len(d.GetInterfaces()) == 0 && d.GetSerial() == nil {
		return errors.New("says nothing of the device: known keys are vid, pid, manufacturer, product, serial, scsi_inquiry, report_descriptor_sha256")
	}
	return nil
}

var hexForm = regexp.MustCompile(`^(?i:0x)?[0-9a-fA-F]{1,4}$`)

func hex16(text string) uint32 {
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(text), "0x"), 16, 16)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// edid takes the block in hexadecimal, or keys and values joined by semicolons.
func (t *touches) edid(value string) error {
	keys, rest := pairs(value)
	var d *farmhoundv1.Display
	var err error
	if len(keys) > 0 {
		d, err = displayOfKeys(keys)
	} else {
		d, err = displayOfBlock(rest)
	}
	if err != nil {
		return err
	}
	t.take(t.reader.catalog.AppendTouchedDisplay(nil, d), false)
	return nil
}

func displayOfKeys(keys map[string]string) (*farmhoundv1.Display, error) {
	d := &farmhoundv1.Display{
		Maker: strings.ToUpper(first(keys, "mfg", "maker", "manufacturer", "vendor")),
		Name:  first(keys, "name", "monitorname", "model"),
	}
	if code := first(keys, "product", "productcode", "pid"); code != "" {
		decimal, err := strconv.ParseUint(code, 10, 16)
		switch {
		case hexForm.MatchString(code):
			d.ProductCode = hex16(code)
		case err == nil: // five digits
			d.ProductCode = uint32(decimal)
		default:
			return nil, fmt.Errorf("product %q is no code of four hexadecimal digits", short(code))
		}
	}
	if d.GetMaker() == "" && d.GetName() == "" {
		return nil, errors.New("names neither a maker nor a monitor: known keys are mfg, product, name, serial")
	}
	for _, key := range []string{"serial", "serialnumber", "serialstr", "serialtext"} {
		addSerial(d, keys[key])
	}
	return d, nil
}

// addSerial keeps what is published of a display's serial, a number or a text.
func addSerial(d *farmhoundv1.Display, serial string) {
	if serial == "" {
		return
	}
	if class := fleetkey.ClassOf(serial); d.GetSerial().GetClass() != farmhoundv1.SerialClass_SERIAL_CLASS_DECOY_KNOWN {
		d.Serial = &farmhoundv1.PeripheralSerial{Class: class}
	}
	if n, err := strconv.ParseUint(serial, 0, 32); err == nil && fleetkey.DecoyNumber(uint32(n)) {
		d.DecoySerial = uint32(n)
	}
}

var edidHeader = []byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0}

// displayOfBlock reads the base block; what makes a display's identity is in it.
func displayOfBlock(text string) (*farmhoundv1.Display, error) {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ':' || r == ',' || r == '\n' || r == '\t' || r == '-' }), "")
	block, err := hex.DecodeString(strings.TrimPrefix(strings.TrimPrefix(text, "hex"), "0x"))
	if err != nil {
		return nil, errors.New("is neither a block in hexadecimal nor keys with values")
	}
	const base = 128
	if len(block) < base || !slices.Equal(block[:len(edidHeader)], edidHeader) {
		return nil, errors.New("is no block of 128 bytes that begins with 00ffffffffffff00")
	}
	maker := binary.BigEndian.Uint16(block[8:])
	d := &farmhoundv1.Display{
		Maker:       string([]byte{letter(maker >> 10), letter(maker >> 5), letter(maker)}),
		ProductCode: uint32(binary.LittleEndian.Uint16(block[10:])),
	}
	if number := binary.LittleEndian.Uint32(block[12:]); fleetkey.DecoyNumber(number) {
		d.DecoySerial = number
	}
	const descriptors, size, count = 54, 18, 4
	for i := range count {
		descriptor := block[descriptors+i*size : descriptors+(i+1)*size]
		if descriptor[0] != 0 || descriptor[1] != 0 {
			continue // a timing
		}
		text, _, _ := strings.Cut(string(descriptor[5:]), "\n")
		switch descriptor[3] {
		case 0xfc:
			d.Name = strings.TrimSpace(text)
		case 0xff:
			addSerial(d, strings.TrimSpace(text))
		}
	}
	return d, nil
}

func letter(five uint16) byte { return byte('A' - 1 + five&0x1f) }
