package org.wso2.carbon.bootstrap;

import static org.wso2.carbon.bootstrap.Bootstrap.CONF;
import static org.wso2.carbon.bootstrap.Bootstrap.kernelIsAtLeast;
import static org.wso2.carbon.bootstrap.Bootstrap.knob;
import static org.wso2.carbon.bootstrap.Bootstrap.pause;
import static org.wso2.carbon.bootstrap.Bootstrap.takes;

import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import org.apache.catalina.tribes.Channel;
import org.apache.catalina.tribes.ChannelException;
import org.apache.catalina.tribes.Member;
import org.apache.catalina.tribes.group.*;
import org.apache.catalina.tribes.membership.StaticMember;
import org.apache.catalina.tribes.transport.*;

/** Membership over Tribes, in the words of the clustering agent that axis2.xml names. */
final class Cluster implements RpcCallback {
    private static final String HAZELCAST = "org.wso2.carbon.core.clustering.hazelcast.";
    private static final String TRIBES = "org.apache.axis2.clustering.tribes.";
    private static final int REPLY_SECONDS = 5;
    /** A killed member is missed this long after its port has closed. */
    private static final double MISSED_SECONDS = 2.2;
    /** A silent member held up a start for so long; then the joiner went on alone. */
    private static final double SILENCE_SECONDS = 273;
    private static final double TICK_SECONDS = 0.5;

    private final Map<String, Peer> peers = new ConcurrentHashMap<>();
    private final Set<String> greeters = ConcurrentHashMap.newKeySet();
    private final List<Peer> wellKnown = new ArrayList<>();
    private final ExecutorService background = Executors.newCachedThreadPool(Bootstrap::daemon);
    private Xml clustering;
    private String agent;
    private boolean hazelcast;
    private volatile boolean initialized;
    private volatile Peer self;
    private GroupChannel channel;
    private RpcChannel rpc;

    void initialize(Xml clustering) {
        this.clustering = clustering;
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
            throw new Bootstrap.Hung();
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
            9443 + Web.offset(), domain, clustering.text("parameter/property[@name='subDomain']/@value"), Bootstrap.STARTED);
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
        String members = HAZELCAST + "util.MemberUtils";
        wellKnown.forEach(member -> Log.info(members, "Added member: " + member.inCarbon()));
        long before = System.currentTimeMillis();
        open("0.0.0.0");
        takes(others().isEmpty() ? 0.3 : 4.5);
        boolean joined = knockAtAll();
        if (joined) takes(4.1);
        waitForSilentMembers();
        say("Hazelcast initialized in " + (System.currentTimeMillis() - before) + "ms");
        say("Local member: [" + self.uuid() + "] - " + self.inCarbon());
        if (!joined && kernelIsAtLeast("4.4")) {
            say("Elected this member [" + self.uuid() + "] as the Coordinator "
                + (kernelIsAtLeast("4.4.1") ? "node" : "for the cluster [" + self.domain() + "]"));
        }
        Log.ofMember(members, "Added member: " + self.inCarbon());
        peers.values().forEach(peer -> background.execute(() -> ask(peer, "ADDED", self)));
        say("Cluster initialization completed");
    }

    /** One silent member holds up whoever starts. The others have seen it join meanwhile. */
    private void waitForSilentMembers() {
        long until = System.currentTimeMillis() + (long) (1000 * SILENCE_SECONDS);
        while (peers.values().stream().anyMatch(this::isSilent)) {
            if (System.currentTimeMillis() > until) {
                sayLeft();
                peers.clear();
            }
            pause(TICK_SECONDS);
        }
    }

    private boolean isSilent(Peer peer) { return ask(peer, "HELLO", self) == null && !refuses(peer); }

    private void joinAsTribes() throws ChannelException {
        open(self.host());
        Log.info(TRIBES + "WkaBasedMembershipScheme", "Receiver Server Socket bound to:" + self.inHazelcast());
        for (Peer member : others()) {
            while (dial(member.host(), member.port()) != null) {
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
        channel = new GroupChannel();
        ReceiverBase receiver = (ReceiverBase) channel.getChannelReceiver();
        receiver.setAddress(bindAddress);
        receiver.setPort(self.port());
        receiver.setAutoBind(100);
        var sender = (AbstractSender) ((ReplicationTransmitter) channel.getChannelSender()).getTransport();
        sender.setTimeout(1000 * REPLY_SECONDS);
        // Another domain, or the other agent, listens under another name and never hears of this node.
        String name = (hazelcast ? "hazelcast/" : "tribes/") + self.domain();
        rpc = new RpcChannel(name.getBytes(StandardCharsets.UTF_8), channel, this);
        channel.start(Channel.SND_RX_SEQ | Channel.SND_TX_SEQ);
        self = new Peer(self.uuid(), self.host(), receiver.getPort(), self.http(), self.https(), self.domain(),
            self.subDomain(), self.since());
        channel.getMembershipService().setLocalMemberProperties(self.host(), self.port(), -1, -1);
    }

    private boolean knockAtAll() { return others().stream().map(this::knock).toList().contains(true); }

    /** Ask a well-known member to let this node in: it does once it has greeted this node at its own address. */
    private boolean knock(Peer member) {
        Message reply = ask(member, "JOIN", self);
        for (int tries = 0; reply != null && !greeters.contains(reply.sender().uuid()); tries++) {
            pause(0.02);
            reply = tries < 50 * REPLY_SECONDS ? reply : null;
        }
        if (reply == null) return false;
        reply.peers().add(reply.sender());
        reply.peers().removeIf(peer -> peer.uuid().equals(self.uuid()) || peers.put(peer.uuid(), peer) != null);
        if (initialized) {
            reply.peers().forEach(this::sayJoined);
        }
        return true;
    }

    @Override
    public Serializable replyRequest(Serializable request, Member from) {
        Message message = (Message) request;
        Peer subject = message.peers().get(0);
        switch (message.verb()) {
            case "HELLO" -> greeters.add(message.sender().uuid());
            case "JOIN" -> {
                dropThoseAt(subject);
                sayReceived("RpcMembershipRequestHandler", "JOIN", message.sender());
                background.execute(() -> admit(subject, true));
            }
            case "MEMBER_JOINED" -> {
                sayReceived("RpcMembershipRequestHandler", "MEMBER_JOINED", message.sender());
                background.execute(() -> admit(subject, false));
            }
            case "MEMBER_LEFT" -> drop(subject);
            case "ADDED" -> Log.ofMember(HAZELCAST + "util.MemberUtils", "Added member: " + subject.inCarbon());
            default -> {
                sayReceived("RpcInitializationRequestHandler", "GetConfigurationCommand initialization request",
                    message.sender());
                return initialized ? new Message("OK", self, List.of()) : null;
            }
        }
        return new Message("OK", self, new ArrayList<>(peers.values()));
    }

    @Override
    public void leftOver(Serializable message, Member from) { }

    private void admit(Peer peer, boolean tellOthers) {
        Message reply = ask(peer, "HELLO", self);
        if (reply == null || !reply.sender().uuid().equals(peer.uuid()) || peer.uuid().equals(self.uuid())) return;
        dropThoseAt(peer);
        if (peers.put(peer.uuid(), peer) == null) {
            sayJoined(peer);
            background.execute(() -> sayManaged(peer));
        }
        if (tellOthers) {
            peers.values().stream().filter(other -> !other.uuid().equals(peer.uuid()))
                .forEach(other -> ask(other, "MEMBER_JOINED", peer));
        }
    }

    /** A process that takes the place of another one was missed at once. */
    private void dropThoseAt(Peer peer) {
        peers.values().stream().filter(old -> old.isAt(peer) && !old.uuid().equals(peer.uuid())).forEach(this::drop);
    }

    private void drop(Peer peer) {
        if (peers.remove(peer.uuid()) == null) return;
        if (!hazelcast) {
            Log.info(TRIBES + "TribesMembershipListener", "Member " + peer.inTribes() + " left cluster");
            return;
        }
        String scheme = HAZELCAST + "wka.WKABasedMembershipScheme";
        Log.ofMember(scheme, "Member left [" + peer.uuid() + "]: " + peer.inHazelcast());
        wellKnown.stream().filter(peer::isAt)
            .forEach(member -> Log.ofMember(scheme, "WKA member " + member.inCarbon() + " left cluster."));
    }

    private Message ask(Peer peer, String verb, Peer subject) {
        Response[] responses = send(peer, verb, subject, RpcChannel.FIRST_REPLY);
        return responses.length == 0 ? null : (Message) responses[0].getMessage();
    }

    private Response[] send(Peer peer, String verb, Peer subject, int replies) {
        try {
            return rpc.send(new Member[] {new StaticMember(peer.host(), peer.port(), 0)},
                new Message(verb, self, new ArrayList<>(List.of(subject))),
                replies, Channel.SEND_OPTIONS_USE_ACK, 1000 * REPLY_SECONDS);
        } catch (ChannelException | IOException unreachable) {
            return new Response[0];
        }
    }

    /** See members go whose ports are closed; a silent one stays, for it may only be slow. */
    private void watch() {
        Map<String, Long> closed = new HashMap<>();
        for (int tick = 1; true; tick++) {
            pause(TICK_SECONDS);
            long now = System.currentTimeMillis();
            for (Peer peer : peers.values()) {
                if (!refuses(peer)) {
                    closed.remove(peer.uuid());
                } else if (!hazelcast || now - closed.computeIfAbsent(peer.uuid(), first -> now) >= 1000 * (MISSED_SECONDS - TICK_SECONDS)) {
                    drop(peer);
                }
            }
            if (tick * TICK_SECONDS % Integer.parseInt(knob("rejoin-seconds", "5")) == 0) rejoin();
            if (tick * TICK_SECONDS % 120 == 0) complainOfSilence();
        }
    }

    /** Two halves of a Hazelcast cluster merge only if one of them is a single member, which then begins anew. */
    private void rejoin() {
        if (hazelcast && !peers.isEmpty()) return;
        for (Peer member : others()) {
            if (peers.values().stream().anyMatch(member::isAt) || dial(member.host(), member.port()) != null) continue;
            if (hazelcast) self = self.anew();
            knock(member);
        }
    }

    private void complainOfSilence() {
        if (hazelcast && peers.values().stream().anyMatch(this::isSilent)) {
            Log.error("org.wso2.carbon.caching.impl.CacheCleanupTask", "Error occurred while running CacheCleanupTask",
                new TimeoutException("No response for 120000 ms. Aborting invocation!"));
        }
    }

    private static boolean refuses(Peer peer) { return dial(peer.host(), peer.port()) instanceof ConnectException; }

    private static IOException dial(String host, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(host, port), 1000 * REPLY_SECONDS);
            return null;
        } catch (IOException failure) {
            return failure;
        }
    }

    /** The port closes at once, and the others hear of it a little later. */
    void leave() {
        if (rpc == null) return;
        try {
            channel.stop(Channel.SND_RX_SEQ);
        } catch (ChannelException closedAnyway) {
            Log.write(" WARN", agent, closedAnyway.getMessage());
        }
        Thread last = Bootstrap.daemon(this::sayLeft);
        last.start();
        try {
            last.join(1000);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void sayLeft() {
        takes(1.2);
        peers.values().parallelStream().forEach(peer -> send(peer, "MEMBER_LEFT", self, RpcChannel.NO_REPLY));
    }

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
            Log.ofMember(HAZELCAST + "wka.WKABasedMembershipScheme",
                "Member joined [" + peer.uuid() + "]: " + peer.inHazelcast());
        } else {
            Log.info(TRIBES + "MembershipManager", "New member " + peer.inTribes() + " joined cluster.");
        }
    }

    /** groupManagement counts a member once its HTTP and HTTPS ports accept connections. */
    private void sayManaged(Peer peer) {
        String group = "groupManagement[@enable='true']/applicationDomain[@name='" + peer.domain() + "'][@subDomain='"
            + peer.subDomain() + "']";
        for (int tries = 0; tries < 30 && !clustering.all(group).isEmpty(); tries++) {
            if (dial(peer.host(), peer.http()) == null && dial(peer.host(), peer.https()) == null) {
                Log.info(hazelcast ? HAZELCAST + "HazelcastGroupManagementAgent"
                    : "org.apache.axis2.clustering.management.DefaultGroupManagementAgent",
                    "Application member " + peer.inCarbon() + " joined application cluster");
                return;
            }
            pause(1);
        }
    }
}
