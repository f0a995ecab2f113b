// Package systemtool is the table of the system's own programs that the agent may run,
// and it runs them: macOS answers some questions in no other way that a program without
// C can ask. On other systems it runs nothing.
//
// A program is named by its place in the table, its path is absolute and on the volume
// that macOS seals, its arguments are fixed, its environment is empty but for LC_ALL, and its time and
// what is read of it are bounded. The package imports nothing of Farmhound.
package systemtool

import "time"

// Tool is one program with one list of arguments.
type Tool int

// The tools. What each prints is parsed where it is asked.
const (
	// Connections lists TCP sockets with owners and bytes.
	Connections Tool = iota
	// KernelControls lists the sockets that programs hold to parts of the kernel, of
	// which tunnels are made.
	KernelControls
	// Statistics lists TCP connections with their round trips, once.
	Statistics
	// Proxies prints the proxies in force.
	Proxies
	// Resolvers prints the resolvers in force.
	Resolvers
	// Screens prints the sessions at the screen, as a property list.
	Screens
	// USBDevices, Displays and Panels print what is attached, Lid and Battery how the
	// laptop stands, Idle since when nobody did anything, and Inputs since when nobody did
	// anything by each device: each a part of the registry.
	USBDevices
	Displays
	Panels
	Lid
	Battery
	Idle
	Inputs
	// Assertions prints who keeps the laptop awake, and so who uses sound and camera; Camera
	// whether the built-in one is in use, and Interfaces those of USB devices.
	Assertions
	Camera
	Interfaces
	// WiFi prints how the laptop is connected to Wi-Fi.
	WiFi
)

// command is how a tool is run.
type command struct {
	path      string
	arguments []string
}

// ioreg prints the registry of what the kernel drives.
const ioreg = "/usr/sbin/ioreg"

// table is all that is ever run.
var table = [...]command{
	Connections:    {"/usr/sbin/netstat", []string{"-anvW", "-p", "tcp"}},
	KernelControls: {"/usr/sbin/netstat", []string{"-anv", "-f", "systm"}},
	Statistics:     {"/usr/bin/nettop", []string{"-L", "1", "-n", "-x", "-m", "tcp"}},
	Proxies:        {"/usr/sbin/scutil", []string{"--proxy"}},
	Resolvers:      {"/usr/sbin/scutil", []string{"--dns"}},
	Screens:        {ioreg, []string{"-n", "Root", "-d", "1", "-a"}},
	USBDevices:     {ioreg, []string{"-r", "-c", "IOUSBHostDevice", "-l", "-w0"}},
	Displays:       {ioreg, []string{"-r", "-c", "IODisplayConnect", "-l", "-w0"}},
	Panels:         {ioreg, []string{"-r", "-k", "DisplayAttributes", "-d", "1", "-w0"}},
	Lid:            {ioreg, []string{"-r", "-k", "AppleClamshellState", "-d", "1", "-w0"}},
	Battery:        {ioreg, []string{"-r", "-c", "AppleSmartBattery", "-d", "1", "-w0"}},
	Idle:           {ioreg, []string{"-r", "-c", "IOHIDSystem", "-d", "1", "-w", "0"}},
	Inputs:         {ioreg, []string{"-r", "-c", "IOHIDDevice", "-l", "-w0"}},
	Assertions:     {"/usr/bin/pmset", []string{"-g", "assertions"}},
	Camera:         {ioreg, []string{"-r", "-k", "FrontCameraStreaming", "-d", "1", "-w0"}},
	Interfaces:     {ioreg, []string{"-r", "-c", "IOUSBHostInterface", "-d", "1", "-w0"}},
	WiFi:           {"/usr/sbin/ipconfig", []string{"getsummary", "en0"}},
}

// Bounds on one run.
const (
	timeout   = 5 * time.Second
	maxOutput = 8 << 20
)
