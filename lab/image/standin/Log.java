package org.wso2.carbon.bootstrap;

import static org.wso2.carbon.bootstrap.Bootstrap.HOME;
import static org.wso2.carbon.bootstrap.Bootstrap.kernelIsAtLeast;
import static org.wso2.carbon.bootstrap.Bootstrap.knob;

import java.io.*;
import java.nio.file.*;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;

/** The product's log file and console. The file is opened for each line, so rotation needs no hook. */
final class Log {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss,SSS");
    private static final boolean OLD_LAYOUT = !kernelIsAtLeast("4.3");

    static Path folder() {
        String usual = System.getProperty("carbon.logs.path", HOME + "/repository/logs");
        return Path.of(knob("log-dir", usual));
    }

    static void info(String logger, String message) { write(" INFO", logger, message); }

    static void error(String logger, String message, Throwable cause) {
        StringWriter trace = new StringWriter();
        cause.printStackTrace(new PrintWriter(trace, true));
        write("ERROR", logger, message);
        append("wso2carbon.log", trace.toString());
    }

    static void write(String level, String logger, String message) { write(level, logger, message, "-1234"); }

    /** Newer kernels write what another member caused with tenant -1. */
    static void ofMember(String logger, String message) { write(" INFO", logger, message, "-1"); }

    private static synchronized void write(String level, String logger, String message, String tenant) {
        if (level.equals(" INFO") && knob("level", "INFO").equals("WARN")) return;
        String time = LocalDateTime.now().format(TIME);
        String line = "[" + time + "] " + level + " {" + logger + "} -  " + message;
        System.out.println(line);
        String pattern = knob("pattern");
        if (pattern != null) {
            line = pattern.replace("%d", time).replace("%p", level).replace("%t", Thread.currentThread().getName())
                .replace("%s", logger.substring(logger.lastIndexOf('.') + 1)).replace("%c", logger).replace("%m", message);
        } else {
            line = OLD_LAYOUT ? "TID: [0] [AS] " + line + " {" + logger + "}" : "TID: [" + tenant + "] [] " + line + " ";
        }
        append("wso2carbon.log", line + "\n");
    }

    static void append(String name, String text) {
        try {
            Files.writeString(folder().resolve(name), text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException lost) {
            System.out.println("log4j:ERROR " + lost);
        }
    }

    private Log() { }
}
