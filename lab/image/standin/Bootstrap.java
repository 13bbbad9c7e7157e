package org.wso2.carbon.bootstrap;

import com.sun.net.httpserver.*;
import java.io.*;
import java.lang.module.ModuleDescriptor.Version;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.KeyStore;
import java.sql.*;
import java.time.*;
import java.time.format.DateTimeFormatter;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.LogManager;
import java.util.stream.Stream;
import javax.net.ssl.*;
import javax.xml.namespace.QName;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.*;
import org.apache.catalina.tribes.Channel;
import org.apache.catalina.tribes.ChannelException;
import org.apache.catalina.tribes.Member;
import org.apache.catalina.tribes.group.*;
import org.apache.catalina.tribes.membership.StaticMember;
import org.apache.catalina.tribes.transport.*;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * A stand-in for a Carbon server: what a provisioning tool can see of one, and nothing else.
 *
 * <p>It reads the product's configuration files by the product's rules, connects to the database, joins its cluster
 * over Apache Tribes, logs the product's lines in the product's format, answers HTTP and HTTPS, and shuts down as the
 * product does. lab/README.md lists its limits and the knobs for tests.
 */
public final class Bootstrap {
    static final String PRODUCT = "WSO2 Application Server";
    static final Path HOME = Path.of(System.getProperty("carbon.home")).toAbsolutePath();
    static final Path CONF = HOME.resolve("repository/conf");
    static final long STARTED = System.currentTimeMillis();
    static final Cluster CLUSTER = new Cluster();
    static final Web WEB = new Web();

    public static void main(String[] args) throws Exception {
        LogManager.getLogManager().reset(); // Tribes' own lines are not part of the product's log
        for (String arg : args) {
            if (arg.startsWith("-D")) {
                String[] pair = arg.substring(2).split("=", 2);
                System.setProperty(pair[0], pair.length == 2 ? pair[1] : "true");
            }
        }
        // The product leaves exactly 100 bytes: the digits, a line end, and NULs.
        byte[] pid = (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII);
        Files.write(HOME.resolve("wso2carbon.pid"), Arrays.copyOf(pid, 100));
        Files.createDirectories(HOME.resolve("tmp")); // the script has removed it
        Files.createDirectories(HOME.resolve("repository/logs"));
        if (isWorker() && !Files.isDirectory(HOME.resolve("repository/components/worker"))) {
            Log.write("FATAL", "org.wso2.carbon.launcher.CarbonLauncher", "OSGi runtime worker profile not found");
            throw new RuntimeException("worker profile not found");
        }
        Runtime.getRuntime().addShutdownHook(new Thread(Bootstrap::shutDown));
        if (knob("ignore-term") != null) {
            sun.misc.Signal.handle(new sun.misc.Signal("TERM"), signal -> { });
        }
        try {
            startUp();
        } catch (Hung hung) {
            while (true) {
                pause(60);
                Log.write(" WARN", "org.wso2.carbon.core.init.PreAxis2RequiredServiceListener",
                    "Waiting for required OSGi services: " + hung.getMessage() + ",");
            }
        }
    }

    private static void startUp() throws Exception {
        Log.info("org.wso2.carbon.core.internal.CarbonCoreActivator", "Starting WSO2 Carbon...");
        pause(Double.parseDouble(knob("start-seconds", "0")));
        Vault.open();
        Datasources.bundleDrivers();
        Datasources.connectAll();
        dieIfToldTo("before-cluster");
        CLUSTER.initialize();
        dieIfToldTo("after-cluster");
        WEB.open();
        pause(Double.parseDouble(knob("finish-seconds", "0")));
        if (knob("never-started") != null) throw new Hung("org.wso2.carbon.tomcat.api.CarbonTomcatService");
        String finalizer = "org.wso2.carbon.core.internal.StartupFinalizerServiceComponent";
        Log.info(finalizer, "Server           :  " + PRODUCT + "-" + Xml.read("carbon.xml").text("Version"));
        Log.info(finalizer, "WSO2 Carbon started in " + (System.currentTimeMillis() - STARTED + 999) / 1000 + " sec");
        if (!isWorker()) {
            Log.info("org.wso2.carbon.ui.internal.CarbonUIServiceComponent",
                "Mgt Console URL  : https://" + WEB.hostName + ":" + WEB.https + "/carbon/");
        }
    }

    private static void shutDown() {
        String manager = "org.wso2.carbon.core.init.CarbonServerManager";
        Log.info(manager, "Shutdown hook triggered....");
        Log.info(manager, "Gracefully shutting down " + PRODUCT + "...");
        Log.info(manager, "Starting to switch to maintenance mode...");
        WEB.stopListening();
        Log.info(manager, "Stopped all transport listeners");
        Log.info(manager, "Waiting for request service completion...");
        if (WEB.isDrained()) {
            Log.info(manager, "All requests have been served.");
        } else {
            Log.write(" WARN", manager, "Timeout occurred even though there are active connections.");
        }
        for (String line : List.of("Waiting for deployment completion...", "All deployment tasks have been completed.",
                "Waiting for server task completion...", "All server tasks have been completed.",
                "Shutting down " + PRODUCT + "...", "Shutting down OSGi framework...")) {
            Log.info(manager, line);
        }
        CLUSTER.leave();
        Log.info(manager, "Shutdown complete");
        Log.info(manager, "Halting JVM");
    }

    static boolean isWorker() { return Boolean.getBoolean("workerNode"); }

    /** Some lines exist only from one kernel on; bin/wso2carbon-version.txt says which one this is. */
    static boolean kernelIsAtLeast(String wanted) {
        try {
            String own = Files.readString(HOME.resolve("bin/wso2carbon-version.txt")).strip().replaceFirst(".* v", "");
            return Version.parse(own).compareTo(Version.parse(wanted)) >= 0;
        } catch (IOException missing) {
            return true;
        }
    }

    /** A test's wish: -Dstandin.NAME=..., or the text of AS_HOME/standin/NAME; null where there is neither. */
    static String knob(String name) {
        try {
            return Files.readString(HOME.resolve("standin").resolve(name)).strip();
        } catch (IOException absent) {
            return System.getProperty("standin." + name);
        }
    }

    static String knob(String name, String otherwise) { return Objects.requireNonNullElse(knob(name), otherwise); }

    private static void dieIfToldTo(String moment) {
        if (moment.equals(knob("die"))) {
            Runtime.getRuntime().halt(1);
        }
    }

    static void pause(double seconds) {
        try {
            Thread.sleep((long) (1000 * seconds));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    /** A failed start of the product mostly leaves a JVM that never says "started"; the message is what it lacks. */
    static final class Hung extends RuntimeException {
        Hung(String missing) {
            super(missing);
        }
    }

    /** The product's log file and console. The file is opened for each line, so rotation needs no hook. */
    static final class Log {
        private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss,SSS");
        private static final boolean NAMES_CLASS_TWICE = !kernelIsAtLeast("4.3");

        static void info(String logger, String message) { write(" INFO", logger, message); }

        static void error(String logger, String message, Throwable cause) {
            StringWriter trace = new StringWriter();
            cause.printStackTrace(new PrintWriter(trace, true));
            write("ERROR", logger, message);
            append("wso2carbon.log", trace.toString());
        }

        static synchronized void write(String level, String logger, String message) {
            String time = "[" + LocalDateTime.now().format(TIME) + "] ";
            String line = time + level + " {" + logger + "} -  " + message;
            System.out.println(line);
            append("wso2carbon.log", "TID: [-1234] [] " + line + (NAMES_CLASS_TWICE ? " {" + logger + "}\n" : " \n"));
        }

        static void append(String name, String text) {
            try {
                Files.writeString(HOME.resolve("repository/logs").resolve(name), text,
                    StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException lost) {
                System.out.println("log4j:ERROR " + lost);
            }
        }
    }

    /** One configuration file. What counts are live elements, by their names without a default namespace. */
    record Xml(Element root) {
        private static final XPath XPATH = XPathFactory.newInstance().newXPath();

        static Xml read(String name) {
            try {
                var builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
                return new Xml(builder.parse(CONF.resolve(name).toFile()).getDocumentElement());
            } catch (Exception broken) {
                Log.error("org.wso2.carbon.base.ServerConfiguration", "Error reading " + CONF.resolve(name), broken);
                throw new Hung("org.wso2.carbon.base.api.ServerConfigurationService");
            }
        }

        String text(String xpath) {
            return ((String) evaluate(xpath, XPathConstants.STRING)).strip().replace("${carbon.home}", HOME.toString());
        }

        String text(String xpath, String otherwise) { return text(xpath).isEmpty() ? otherwise : text(xpath); }

        List<Xml> all(String xpath) {
            NodeList nodes = (NodeList) evaluate(xpath, XPathConstants.NODESET);
            List<Xml> found = new ArrayList<>();
            for (int i = 0; i < nodes.getLength(); i++) {
                found.add(new Xml((Element) nodes.item(i)));
            }
            return found;
        }

        private Object evaluate(String xpath, QName type) {
            synchronized (XPATH) {
                try {
                    return XPATH.evaluate(xpath, root, type);
                } catch (XPathExpressionException impossible) {
                    throw new IllegalArgumentException(xpath, impossible);
                }
            }
        }
    }

    /** Secure vault: wants the keystore's password at each start. Its cipher is Base64, to be easy on tests. */
    static final class Vault {
        private static boolean enabled;

        static void open() throws IOException {
            Xml keystore = Xml.read("carbon.xml").all("Security/KeyStore").get(0);
            enabled = !property("secret-conf.properties", "carbon.secretProvider").isEmpty();
            if (enabled && !keystore.text("Password").equals(keystorePassword())) {
                Log.error("org.wso2.carbon.securevault.DefaultSecretCallbackHandler", "Error loading keyStore from '"
                    + keystore.text("Location") + "'", new IOException("Keystore password was incorrect"));
                throw new Hung("org.wso2.carbon.securevault.SecretCallbackHandlerService");
            }
        }

        /** `password` is renamed to password-tmp, `password-tmp` is deleted, `password-persist` is kept. */
        private static String keystorePassword() throws IOException {
            for (String name : List.of("password", "password-tmp", "password-persist")) {
                Path file = HOME.resolve(name);
                if (Files.exists(file)) {
                    String password = Files.readAllLines(file).get(0);
                    if (name.equals("password")) {
                        Files.move(file, HOME.resolve("password-tmp"), StandardCopyOption.REPLACE_EXISTING);
                    } else if (name.equals("password-tmp")) {
                        Files.delete(file);
                    }
                    return password;
                }
            }
            return null;
        }

        /** The text of a child element, or what the vault holds for its svns:secretAlias. */
        static String resolve(Xml parent, String child) throws IOException {
            String alias = parent.text(child + "/@*[name()='svns:secretAlias']");
            return !enabled || alias.isEmpty() ? parent.text(child)
                : new String(Base64.getDecoder().decode(property("cipher-text.properties", alias)));
        }

        private static String property(String file, String name) throws IOException {
            Path path = CONF.resolve("security").resolve(file);
            Properties found = new Properties();
            found.load(new StringReader(Files.exists(path) ? Files.readString(path) : ""));
            return found.getProperty(name, "");
        }
    }

    /** master-datasources.xml: every live datasource must be reachable, with a driver from components/lib. */
    static final class Datasources {
        private static final Path COMPONENTS = HOME.resolve("repository/components");

        /** As Carbon does: x-1.jar of components/lib becomes the bundle dropins/x_1_1.0.0.jar. */
        static void bundleDrivers() throws IOException {
            for (Path jar : jars()) {
                String stem = jar.getFileName().toString().replaceFirst("\\.jar$", "").replace('-', '_');
                Path bundle = COMPONENTS.resolve("dropins").resolve(stem + "_1.0.0.jar");
                if (!Files.exists(bundle) || Files.mismatch(jar, bundle) >= 0) {
                    Files.copy(jar, bundle, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }

        static void connectAll() {
            for (Xml source : Xml.read("datasources/master-datasources.xml").all("datasources/datasource")) {
                Xml settings = source.all("definition/configuration").get(0);
                String url = settings.text("url");
                try {
                    if (url.startsWith("jdbc:h2:")) {
                        openLocal(HOME.resolve(url.substring("jdbc:h2:".length()).split(";")[0] + ".h2.db"));
                    } else {
                        connect(url, settings);
                    }
                } catch (Exception refused) {
                    Log.error("org.wso2.carbon.user.core.internal.Activator",
                        "Unable to create initial connections of pool: " + source.text("name"), refused);
                    throw new Hung("org.wso2.carbon.user.core.service.RealmService");
                }
            }
        }

        /** A local database without its tables is of no use; -Dsetup makes them. */
        private static void openLocal(Path file) throws Exception {
            boolean setUp = System.getProperty("setup") != null;
            if (setUp && Files.exists(file)) {
                Log.info("org.wso2.carbon.user.core.common.DefaultRealmService",
                    "Database already exists. Not creating a new database.");
            } else if (setUp) {
                Files.createDirectories(file.getParent());
                Files.writeString(file, "tables\n");
            } else if (!Files.exists(file)) {
                throw new SQLException("Table \"REG_RESOURCE\" not found");
            }
        }

        private static void connect(String url, Xml settings) throws Exception {
            Properties login = new Properties();
            login.setProperty("user", settings.text("username"));
            login.setProperty("password", Vault.resolve(settings, "password"));
            try (Connection connection = driver(settings.text("driverClassName")).connect(url, login)) {
                if (connection == null) throw new SQLException("Driver returned null for URL:" + url);
                connection.createStatement().execute(settings.text("validationQuery", "SELECT 1"));
            }
        }

        private static Driver driver(String name) throws Exception {
            List<URL> urls = new ArrayList<>();
            for (Path jar : jars()) {
                urls.add(jar.toUri().toURL());
            }
            try {
                ClassLoader drivers = new URLClassLoader(urls.toArray(URL[]::new));
                return (Driver) Class.forName(name, true, drivers).getConstructor().newInstance();
            } catch (ClassNotFoundException missing) {
                throw new ClassNotFoundException(name + " cannot be found by jdbc-pool_7.0.34.wso2v2");
            }
        }

        private static List<Path> jars() throws IOException {
            try (Stream<Path> files = Files.list(COMPONENTS.resolve("lib"))) {
                return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
            }
        }
    }

    /** One node of the cluster, as the others are told about it. */
    record Peer(String uuid, String host, int port, int http, int https, String domain, String subDomain, long since)
        implements Serializable {

        String inHazelcast() { return new InetSocketAddress(host, port).toString(); }

        String inTribes() { return address() + ":" + port + "(" + domain + ")"; }

        String inCarbon() {
            return "Host:" + host + ", Remote Host:null, Port: " + port + ", HTTP:" + http + ", HTTPS:" + https
                + ", Domain: " + domain + ", Sub-domain:" + subDomain + ", Active:true";
        }

        boolean isAt(Peer other) { return port == other.port && address().equals(other.address()); }

        private String address() {
            InetAddress found = new InetSocketAddress(host, port).getAddress();
            return found == null ? host : found.getHostAddress();
        }
    }

    record Message(String verb, Peer sender, List<Peer> peers) implements Serializable { }

    /** Membership over Tribes, in the words of the clustering agent that axis2.xml names. */
    static final class Cluster implements RpcCallback {
        private static final String HAZELCAST = "org.wso2.carbon.core.clustering.hazelcast.";
        private static final String TRIBES = "org.apache.axis2.clustering.tribes.";
        private static final int REPLY_SECONDS = 3;

        private final Map<String, Peer> peers = new ConcurrentHashMap<>();
        private final Set<String> greeters = ConcurrentHashMap.newKeySet();
        private final List<Peer> wellKnown = new ArrayList<>();
        private final ExecutorService background = Executors.newCachedThreadPool(Bootstrap::daemon);
        private Xml clustering;
        private String agent;
        private boolean hazelcast;
        private volatile boolean initialized;
        private Peer self;
        private RpcChannel rpc;

        void initialize() {
            clustering = Xml.read("axis2/axis2.xml").all("clustering").get(0);
            agent = clustering.text("@class");
            hazelcast = agent.equals(HAZELCAST + "HazelcastClusteringAgent");
            if (!clustering.text("@enable").equals("true")) return;
            try {
                if (!hazelcast && !agent.equals(TRIBES + "TribesClusteringAgent")) {
                    throw new ClassNotFoundException(agent);
                }
                configure();
                if (hazelcast) {
                    joinAsHazelcast();
                } else {
                    joinAsTribes();
                }
            } catch (IllegalArgumentException | ClassNotFoundException | ChannelException refused) {
                Log.error("org.wso2.carbon.core.init.CarbonServerManager", "Cannot initialize cluster", refused);
                throw new Hung("org.apache.axis2.context.ConfigurationContext");
            }
            initialized = true;
            background.execute(this::watch);
        }

        private void configure() {
            Path override = CONF.resolve("etc/hazelcast.xml");
            boolean overridden = hazelcast && kernelIsAtLeast("4.4.6") && Files.exists(override);
            String host = overridden ? Web.ownAddress() : parameter("localMemberHost", Web.ownAddress());
            String port = overridden ? "5701" : knob("port", parameter("localMemberPort", "4000"));
            String domain = overridden ? "dev" : parameter("domain", "wso2.carbon.domain");
            self = new Peer(UUID.randomUUID().toString(), host, Integer.parseInt(port), 9763 + Web.offset(),
                9443 + Web.offset(), domain, clustering.text("parameter/property[@name='subDomain']/@value"), STARTED);
            if (!hazelcast) say("Initializing cluster...");
            say("Cluster domain: " + domain);
            if (hazelcast && kernelIsAtLeast("4.4.6")) {
                say("Loading hazelcast configuration from "
                    + (overridden ? "default path: " + override : "axis2 clustering configuration"));
            }
            if (kernelIsAtLeast("4.4") && (host.equals("127.0.0.1") || host.equals("localhost"))) {
                Log.write(" WARN", agent, hazelcast ? "localMemberHost is configured to use the loopback address. Hazelcast"
                    + " Clustering needs ip addresses for localMemberHost and well-known members."
                    : "Local member advertising its IP address as 127.0.0.1. Remote members will not be able to connect"
                    + " to this member.");
            }
            String scheme = parameter("membershipScheme", "multicast");
            if (!List.of("wka", "multicast", "aws").contains(scheme)) {
                String message = "Invalid membership scheme '" + scheme + "'. Supported schemes are multicast, wka & aws";
                Log.write("ERROR", agent, message);
                throw new IllegalArgumentException(message);
            }
            say("Using " + scheme + " based membership management scheme");
            for (Xml member : clustering.all(scheme.equals("wka") && !overridden ? "members/member" : "none")) {
                wellKnown.add(new Peer("", member.text("hostName"), Integer.parseInt(member.text("port")), -1, -1,
                    hazelcast ? null : domain, null, 0));
            }
        }

        private void joinAsHazelcast() throws ChannelException {
            wellKnown.forEach(member -> Log.info(HAZELCAST + "util.MemberUtils", "Added member: " + member.inCarbon()));
            long before = System.currentTimeMillis();
            open("0.0.0.0");
            boolean joined = knockAtAll();
            say("Hazelcast initialized in " + (System.currentTimeMillis() - before) + "ms");
            say("Local member: [" + self.uuid + "] - " + self.inCarbon());
            if (!joined && kernelIsAtLeast("4.4")) {
                say("Elected this member [" + self.uuid + "] as the Coordinator "
                    + (kernelIsAtLeast("4.4.1") ? "node" : "for the cluster [" + self.domain + "]"));
            }
            say("Cluster initialization completed");
        }

        private void joinAsTribes() throws ChannelException {
            open(self.host);
            Log.info(TRIBES + "WkaBasedMembershipScheme", "Receiver Server Socket bound to:" + self.inHazelcast());
            for (Peer member : others()) {
                while (dial(member.host, member.port) != null) {
                    say("Could not connect to member " + member.inTribes());
                    pause(2);
                }
                say("Added static member " + member.inTribes());
            }
            say("Local Member " + self.inTribes());
            if (!others().isEmpty()) {
                say("Sending JOIN message to WKA members...");
                while (!knockAtAll()) {
                    say("No responses received from WKA members");
                    pause(5);
                }
            }
            say(peers.isEmpty() ? "No members in current cluster" : "Members of current cluster");
            int number = 0;
            for (Peer peer : peers.values()) {
                say("Member" + ++number + " " + peer.inTribes());
            }
            if (knob("no-configuration-command") == null) {
                askForConfiguration();
            }
            say("Cluster initialization completed.");
        }

        /** The longest-living member is asked first; it may well not be the manager. */
        private void askForConfiguration() {
            for (Peer peer : peers.values().stream().sorted(Comparator.comparing(Peer::since)).toList()) {
                say("Trying to send initialization request to " + peer.inTribes());
                if (ask(peer, "CONFIGURATION", self) != null) return;
            }
        }

        /** Tribes itself takes the next free port where the wanted one is in use, as both agents do. */
        private void open(String bindAddress) throws ChannelException {
            GroupChannel channel = new GroupChannel();
            ReceiverBase receiver = (ReceiverBase) channel.getChannelReceiver();
            receiver.setAddress(bindAddress);
            receiver.setPort(self.port);
            receiver.setAutoBind(100);
            var sender = (AbstractSender) ((ReplicationTransmitter) channel.getChannelSender()).getTransport();
            sender.setTimeout(1000 * REPLY_SECONDS);
            // Another domain, or the other agent, listens under another name and never hears of this node.
            String name = (hazelcast ? "hazelcast/" : "tribes/") + self.domain;
            rpc = new RpcChannel(name.getBytes(StandardCharsets.UTF_8), channel, this);
            channel.start(Channel.SND_RX_SEQ | Channel.SND_TX_SEQ);
            self = new Peer(self.uuid, self.host, receiver.getPort(), self.http, self.https, self.domain,
                self.subDomain, self.since);
            channel.getMembershipService().setLocalMemberProperties(self.host, self.port, -1, -1);
        }

        private boolean knockAtAll() { return others().stream().map(this::knock).toList().contains(true); }

        /** Ask a well-known member to let this node in: it does once it has greeted this node at its own address. */
        private boolean knock(Peer member) {
            Message reply = ask(member, "JOIN", self);
            for (int tries = 0; reply != null && !greeters.contains(reply.sender.uuid); tries++) {
                pause(0.02);
                reply = tries < 50 * REPLY_SECONDS ? reply : null;
            }
            if (reply == null) return false;
            reply.peers.add(reply.sender);
            reply.peers.removeIf(peer -> peer.uuid.equals(self.uuid) || peers.put(peer.uuid, peer) != null);
            if (initialized) {
                reply.peers.forEach(this::sayJoined);
            }
            return true;
        }

        @Override
        public Serializable replyRequest(Serializable request, Member from) {
            Message message = (Message) request;
            Peer subject = message.peers.get(0);
            switch (message.verb) {
                case "HELLO" -> greeters.add(message.sender.uuid);
                case "JOIN" -> {
                    sayReceived("RpcMembershipRequestHandler", "JOIN", message.sender);
                    background.execute(() -> admit(subject, true));
                }
                case "MEMBER_JOINED" -> {
                    sayReceived("RpcMembershipRequestHandler", "MEMBER_JOINED", message.sender);
                    background.execute(() -> admit(subject, false));
                }
                case "MEMBER_LEFT" -> drop(subject);
                default -> {
                    sayReceived("RpcInitializationRequestHandler", "GetConfigurationCommand initialization request",
                        message.sender);
                    return initialized ? new Message("OK", self, List.of()) : null;
                }
            }
            return new Message("OK", self, new ArrayList<>(peers.values()));
        }

        @Override
        public void leftOver(Serializable message, Member from) { }

        private void admit(Peer peer, boolean tellOthers) {
            Message reply = ask(peer, "HELLO", self);
            if (reply == null || !reply.sender.uuid.equals(peer.uuid) || peer.uuid.equals(self.uuid)) return;
            peers.values().stream().filter(old -> old.isAt(peer) && !old.uuid.equals(peer.uuid)).forEach(this::drop);
            if (peers.put(peer.uuid, peer) == null) {
                sayJoined(peer);
                background.execute(() -> sayManaged(peer));
            }
            if (tellOthers) {
                peers.values().stream().filter(other -> !other.uuid.equals(peer.uuid))
                    .forEach(other -> ask(other, "MEMBER_JOINED", peer));
            }
        }

        private void drop(Peer peer) {
            if (peers.remove(peer.uuid) == null) return;
            if (!hazelcast) {
                Log.info(TRIBES + "TribesMembershipListener", "Member " + peer.inTribes() + " left cluster");
                return;
            }
            String scheme = HAZELCAST + "wka.WKABasedMembershipScheme";
            Log.info(scheme, "Member left [" + peer.uuid + "]: " + peer.inHazelcast());
            wellKnown.stream().filter(peer::isAt)
                .forEach(member -> Log.info(scheme, "WKA member " + member.inCarbon() + " left cluster."));
        }

        private Message ask(Peer peer, String verb, Peer subject) {
            try {
                Response[] responses = rpc.send(new Member[] {new StaticMember(peer.host, peer.port, 0)},
                    new Message(verb, self, new ArrayList<>(List.of(subject))),
                    RpcChannel.FIRST_REPLY, Channel.SEND_OPTIONS_USE_ACK, 1000 * REPLY_SECONDS);
                return responses.length == 0 ? null : (Message) responses[0].getMessage();
            } catch (ChannelException | IOException unreachable) {
                return null;
            }
        }

        /** See members go whose ports are closed, and call again at well-known members that are not in. */
        private void watch() {
            for (int second = 1; true; second++) {
                pause(1);
                peers.values().stream().filter(Cluster::isGone).forEach(this::drop);
                if (second % Integer.parseInt(knob("rejoin-seconds", "5")) == 0) {
                    others().stream().filter(one -> peers.values().stream().noneMatch(one::isAt)).forEach(this::knock);
                }
            }
        }

        /** A closed port means gone; silence does not, for Hazelcast waits ten minutes for a heartbeat. */
        private static boolean isGone(Peer peer) {
            IOException failure = dial(peer.host, peer.port);
            return failure instanceof ConnectException || failure instanceof NoRouteToHostException;
        }

        private static IOException dial(String host, int port) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(host, port), 1000 * REPLY_SECONDS);
                return null;
            } catch (IOException failure) {
                return failure;
            }
        }

        void leave() { peers.values().forEach(peer -> ask(peer, "MEMBER_LEFT", self)); }

        private List<Peer> others() {
            return wellKnown.stream().filter(member -> !member.isAt(self) && knob("never-join") == null).toList();
        }

        private String parameter(String name, String otherwise) {
            return clustering.text("parameter[@name='" + name + "']", otherwise);
        }

        private void say(String message) { Log.info(agent, message); }

        private void sayReceived(String handler, String what, Peer sender) {
            if (!hazelcast) {
                Log.info(TRIBES + handler, "Received " + what + " message from " + sender.inTribes());
            }
        }

        private void sayJoined(Peer peer) {
            if (hazelcast) {
                Log.info(HAZELCAST + "wka.WKABasedMembershipScheme",
                    "Member joined [" + peer.uuid + "]: " + peer.inHazelcast());
            } else {
                Log.info(TRIBES + "MembershipManager", "New member " + peer.inTribes() + " joined cluster.");
            }
        }

        /** groupManagement counts a member once its HTTP and HTTPS ports accept connections. */
        private void sayManaged(Peer peer) {
            String group = "groupManagement[@enable='true']/applicationDomain[@name='" + peer.domain + "'][@subDomain='"
                + peer.subDomain + "']";
            for (int tries = 0; tries < 30 && !clustering.all(group).isEmpty(); tries++) {
                if (dial(peer.host, peer.http) == null && dial(peer.host, peer.https) == null) {
                    Log.info(hazelcast ? HAZELCAST + "HazelcastGroupManagementAgent"
                        : "org.apache.axis2.clustering.management.DefaultGroupManagementAgent",
                        "Application member " + peer.inCarbon() + " joined application cluster");
                    return;
                }
                pause(1);
            }
        }
    }

    /** The connectors of catalina-server.xml: every path answers with this node's name. */
    static final class Web {
        private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT);

        private final List<HttpServer> servers = new ArrayList<>();
        private final AtomicInteger active = new AtomicInteger();
        String hostName;
        int https;

        static int offset() {
            return Integer.parseInt(System.getProperty("portOffset", Xml.read("carbon.xml").text("Ports/Offset", "0")));
        }

        static String ownAddress() {
            try {
                return InetAddress.getLocalHost().getHostAddress();
            } catch (UnknownHostException nameless) {
                return "127.0.0.1";
            }
        }

        void open() throws Exception {
            hostName = Xml.read("carbon.xml").text("HostName", ownAddress());
            for (Xml connector : Xml.read("tomcat/catalina-server.xml").all("Service/Connector")) {
                int port = Integer.parseInt(connector.text("@port")) + offset();
                boolean secure = connector.text("@SSLEnabled").equals("true");
                HttpServer server = secure ? HttpsServer.create() : HttpServer.create();
                if (secure) {
                    https = port;
                    ((HttpsServer) server).setHttpsConfigurator(new HttpsConfigurator(tls(connector)));
                }
                server.setExecutor(Executors.newCachedThreadPool(Bootstrap::daemon));
                server.createContext("/", exchange -> serve(exchange, port, connector.text("@proxyPort", "none")));
                try {
                    server.bind(new InetSocketAddress(port), 200);
                } catch (BindException taken) {
                    Log.write("FATAL", "org.wso2.carbon.core.init.CarbonServerManager",
                        "Cannot start transports: port " + port + ": " + taken.getMessage());
                    throw new Hung("org.wso2.carbon.tomcat.api.CarbonTomcatService");
                }
                servers.add(server);
            }
            servers.forEach(HttpServer::start);
        }

        private static SSLContext tls(Xml connector) throws Exception {
            char[] password = connector.text("@keystorePass", "wso2carbon").toCharArray();
            String file = connector.text("@keystoreFile", HOME + "/repository/resources/security/wso2carbon.jks");
            KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(KeyStore.getInstance(new File(file), password), password);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), null, null);
            return context;
        }

        /** /sleep?seconds=N holds the request, /exit?status=N ends the JVM (121: the script starts it again). */
        private void serve(HttpExchange exchange, int port, String proxyPort) throws IOException {
            active.incrementAndGet();
            try (exchange) {
                exchange.getRequestBody().readAllBytes();
                URI uri = exchange.getRequestURI();
                String number = String.valueOf(uri.getQuery()).replaceAll("[^0-9.]", "");
                if (uri.getPath().equals("/sleep")) {
                    pause(Double.parseDouble(number));
                } else if (uri.getPath().equals("/exit")) {
                    daemon(() -> System.exit(Integer.parseInt(number))).start();
                }
                String text = InetAddress.getLocalHost().getHostName() + ":" + port + "\nHostName " + hostName
                    + "\nproxyPort " + proxyPort + "\nworkerNode " + isWorker() + "\n";
                exchange.getResponseHeaders().set("Content-Type", "text/plain");
                exchange.sendResponseHeaders(200, text.length());
                exchange.getResponseBody().write(text.getBytes(StandardCharsets.US_ASCII));
                Log.append("http_access_" + LocalDate.now() + ".log", String.format("%s - - [%s] \"%s %s %s\" 200 %d \"-\" \"-\"%n",
                    exchange.getRemoteAddress().getAddress().getHostAddress(), ZonedDateTime.now().format(TIME),
                    exchange.getRequestMethod(), uri, exchange.getProtocol(), text.length()));
            } finally {
                active.decrementAndGet();
            }
        }

        void stopListening() { servers.forEach(server -> daemon(() -> server.stop(60)).start()); }

        boolean isDrained() {
            for (int tries = 0; tries < 300 && active.get() > 0; tries++) {
                pause(0.2);
            }
            return active.get() == 0;
        }
    }
}
