package settings

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"golang.org/x/sys/windows/registry"
)

// policyKey is where Group Policy and Intune write, and ordinary users cannot.
const policyKey = `SOFTWARE\Policies\Farmhound`

// maxPolicyValues bounds what is read of the key.
const maxPolicyValues = 256

// MachinePolicy returns what the company's device management set on this machine, nil
// where there is nothing. Values are texts; a number is read as its digits.
func MachinePolicy() (Layer, error) {
	where := `HKLM\` + policyKey
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, policyKey, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", where, err)
	}
	defer key.Close()
	names, err := key.ReadValueNames(maxPolicyValues + 1)
	if err == nil {
		return nil, fmt.Errorf("read policy %s: it has more than %d values", where, maxPolicyValues)
	}
	if !errors.Is(err, io.EOF) { // which says that there are no more
		return nil, fmt.Errorf("read policy %s: %w", where, err)
	}
	values := map[string]string{}
	for _, name := range names {
		text, kind, err := key.GetStringValue(name)
		switch {
		case err == nil && kind == registry.EXPAND_SZ:
			if text, err = registry.ExpandString(text); err != nil {
				return nil, fmt.Errorf("read policy %s: %w", place(where, name), err)
			}
		case errors.Is(err, registry.ErrUnexpectedType):
			number, _, err := key.GetIntegerValue(name)
			if err != nil {
				return nil, fmt.Errorf("policy %s must be a text (REG_SZ)", place(where, name))
			}
			text = strconv.FormatUint(number, 10)
		case err != nil:
			return nil, fmt.Errorf("read policy %s: %w", place(where, name), err)
		}
		values[name] = text
	}
	return policyLayer(where, values)
}
