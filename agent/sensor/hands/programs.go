package hands

// assistive are programs by which people work whom a keyboard or screen alone does
// not serve, by their file names. That one runs is told, never which. What every
// desktop runs for its own sake (at-spi-bus-launcher) is none.
var assistive = map[string]bool{
	// Linux.
	"orca": true, "onboard": true, "brltty": true, "espeakup": true, "speakup": true, "dasher": true, "caribou": true,
	"florence": true, "squeekboard": true, "mousetweaks": true, "eviacam": true, "talon": true, "simon": true,
	"numen": true, "nerd-dictation": true, "kmag": true, "kmousetool": true, "kmouth": true, "xzoom": true, "maliit-keyboard": true,
	// Windows.
	"narrator.exe": true, "nvda.exe": true, "nvda_slave.exe": true, "jfw.exe": true, "fusion.exe": true, "zoomtext.exe": true,
	"ztac.exe": true, "magnify.exe": true, "osk.exe": true, "natspeak.exe": true, "dragonbar.exe": true, "dnsspserver.exe": true,
	"voiceaccess.exe": true, "sapisvr.exe": true, "supernova.exe": true, "talon.exe": true, "eyecontrol.exe": true,
	"grid3.exe": true, "communicator5.exe": true, "camera mouse.exe": true, "readandwrite.exe": true,
	// macOS.
	"voiceover": true, "voiceoverquickst": true, "assistivecontrol": true, "switchcontrol": true, "voicecontrol": true,
	"dragon": true, "keyboardviewer": true,
}

// waylandHosts are programs that, under Wayland, make input by ways on which nobody
// else can listen. By the kernel's names, cut to 15 bytes.
var waylandHosts = map[string]bool{
	"gnome-remote-de": true, "krdpserver": true, "krfb": true, "wayvnc": true, "rustdesk": true, "anydesk": true,
	"teamviewerd": true, "TeamViewer": true, "nxserver.bin": true, "nxnode.bin": true, "dwagent": true, "hoptodesk": true,
	"input-leap": true, "deskflow": true, "deskflow-server": true, "barrier": true, "lan-mouse": true, "weylus": true,
	"parsecd": true, "sunshine": true, "chrome-remote-d": true,
}
