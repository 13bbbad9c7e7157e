package org.wso2.carbon.bootstrap;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;

/**
 * A Carbon server without weight, for the fault tests: it starts in a tenth of a second.
 *
 * <p>It writes down what lay on the disk when it started, takes its ports, joins the manager over a
 * plain connection and says so in the words of the Hazelcast agent. What the lab's own stand-in
 * proves (Tribes, database, vault, refusals) it leaves out. Without -DworkerNode=true it is the
 * manager. Lambdas, formatters and regular expressions are left out, too: they take the JVM longer
 * than all the rest.
 */
public final class Bootstrap {
    private static final String CLUSTERING = "org.wso2.carbon.core.clustering.hazelcast.";
    private static final String AGENT = CLUSTERING + "HazelcastClusteringAgent";
    private static final String MEMBERS = CLUSTERING + "wka.WKABasedMembershipScheme";
    private static final String FINALIZER = "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent";
    private static final String UUID = "00000000-0000-4000-8000-000000000000";
    private static final Path STARTS = Path.of("/var/lib/provision-faults/starts");
    private static final List<String> READ_AT_START = List.of(
            "repository/conf", "repository/components/lib", "repository/components/dropins",
            "repository/deployment/server");

    private static final Path home = Path.of(System.getProperty("carbon.home"));

    public static void main(String[] arguments) throws Exception {
        String pid = new File("/proc/self").getCanonicalFile().getName();
        Files.writeString(STARTS.resolve(pid + ".new"), disk());
        Files.move(STARTS.resolve(pid + ".new"), STARTS.resolve(pid));
        write(home.resolve("wso2carbon.pid"), (pid + "\n" + "\0".repeat(100)).substring(0, 100));

        String axis2 = xml("repository/conf/axis2/axis2.xml");
        String carbon = xml("repository/conf/carbon.xml");
        String host = between(axis2, "\"localMemberHost\">", "<");
        int port = Integer.parseInt(between(axis2, "\"localMemberPort\">", "<"));
        int offset = Integer.parseInt(between(carbon, "<Offset>", "<"));
        ServerSocket members = listen(host, port);
        listen("0.0.0.0", 9763 + offset);
        listen("0.0.0.0", 9443 + offset);

        boolean isWorker = List.of(arguments).contains("-DworkerNode=true");
        if (isWorker) {
            join(axis2, host + ":" + port);
        }
        say(AGENT, "Cluster initialization completed");
        say(FINALIZER, "WSO2 Carbon started in 0 sec");
        while (true) {
            new Watch(members.accept()).start();
        }
    }

    /** The connection stays, as the member's sign of life; the answer comes when the line is written. */
    private static void join(String axis2, String member) throws IOException {
        String known = axis2.substring(axis2.indexOf("<members>"));
        int port = Integer.parseInt(between(known, "<port>", "<"));
        Socket manager = new Socket(between(known, "<hostName>", "<"), port);
        manager.getOutputStream().write((member + "\n").getBytes(StandardCharsets.US_ASCII));
        manager.getInputStream().read();
    }

    private static final class Watch extends Thread {
        private final Socket member;

        Watch(Socket member) {
            this.member = member;
        }

        @Override
        public void run() {
            String address = null;
            try (member) {
                byte[] hello = new byte[64];
                int size = member.getInputStream().read(hello);
                address = new String(hello, 0, Math.max(size, 0), StandardCharsets.US_ASCII).strip();
                say(MEMBERS, "Member joined [" + UUID + "]: /" + address);
                member.getOutputStream().write('\n');
                while (member.getInputStream().read() >= 0) {}
            } catch (IOException lost) {
                // as good as an orderly end
            }
            if (address != null) {
                say(MEMBERS, "Member left [" + UUID + "]: /" + address);
            }
        }
    }

    /** All that a server reads when it starts, a digest and a path in each line. */
    private static String disk() throws Exception {
        StringBuilder lines = new StringBuilder();
        for (String part : READ_AT_START) {
            add(lines, part, new File(home.toFile(), part));
        }
        add(lines, "/etc/hosts", new File("/etc/hosts"));
        return lines.toString();
    }

    private static void add(StringBuilder lines, String name, File file) throws Exception {
        if (file.isFile()) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] sum = digest.digest(Files.readAllBytes(file.toPath()));
            for (byte one : sum) {
                lines.append(Character.forDigit(one >> 4 & 15, 16)).append(Character.forDigit(one & 15, 16));
            }
            lines.append(' ').append(name).append('\n');
        }
        String[] below = file.list();
        for (int i = 0; below != null && i < below.length; i++) {
            add(lines, name + "/" + below[i], new File(file, below[i]));
        }
    }

    private static ServerSocket listen(String host, int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(InetAddress.getByName(host), port));
        return socket;
    }

    /** A file of XML without its comments: they hold look-alikes. */
    private static String xml(String path) throws IOException {
        String rest = Files.readString(home.resolve(path));
        StringBuilder text = new StringBuilder();
        int at;
        while ((at = rest.indexOf("<!--")) >= 0) {
            text.append(rest, 0, at);
            rest = rest.substring(rest.indexOf("-->", at) + 3);
        }
        return text.append(rest).toString();
    }

    private static String between(String text, String mark, String end) {
        int at = text.indexOf(mark) + mark.length();
        return text.substring(at, text.indexOf(end, at));
    }

    private static synchronized void say(String logger, String message) {
        long now = System.currentTimeMillis();
        int nanos = (int) (now % 999 + 1) * 1_000_000; // never none: the digits are always written
        String clock = LocalDateTime.ofEpochSecond(now / 1000, nanos, ZoneOffset.UTC).toString();
        String time = clock.substring(0, 10) + " " + clock.substring(11, 19) + "," + clock.substring(20, 23);
        write(home.resolve("repository/logs/wso2carbon.log"),
                "TID: [-1234] [] [" + time + "]  INFO {" + logger + "} -  " + message + " \n");
    }

    /** As the product does, it goes on where a line cannot be written. */
    private static void write(Path file, String text) {
        try {
            boolean isLog = file.endsWith("wso2carbon.log");
            Files.writeString(file, text, StandardOpenOption.CREATE,
                    isLog ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE);
        } catch (IOException full) {
            System.err.println(full);
        }
    }
}
