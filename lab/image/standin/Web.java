package org.wso2.carbon.bootstrap;

import static org.wso2.carbon.bootstrap.Bootstrap.HOME;
import static org.wso2.carbon.bootstrap.Bootstrap.kernelIsAtLeast;
import static org.wso2.carbon.bootstrap.Bootstrap.pause;

import com.sun.net.httpserver.*;
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.time.LocalDate;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.*;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.*;

/** The connectors of catalina-server.xml: every path answers with this node's name. */
final class Web {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT);

    private static final String CORE = "org.wso2.carbon.core.";

    /** What a request gets: during a shutdown the ports stay open until the end. */
    private enum Manner { ANSWERS, REFUSES, IS_SILENT }

    private final List<HttpServer> servers = new ArrayList<>();
    private volatile Manner manner = Manner.ANSWERS;
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

    /** Read the ports, and tell them: they are opened much later. */
    void configure() {
        hostName = Xml.read("carbon.xml").text("HostName", ownAddress());
        for (Xml connector : connectors()) {
            boolean secure = isSecure(connector);
            if (secure) https = port(connector);
            Log.info(CORE + "transports.http." + (secure ? "HttpsTransportListener" : "HttpTransportListener"),
                (secure ? "HTTPS port       : " : "HTTP port        : ") + port(connector));
        }
    }

    void open() throws Exception {
        for (Xml connector : connectors()) {
            int port = port(connector);
            HttpServer server = isSecure(connector) ? HttpsServer.create() : HttpServer.create();
            if (isSecure(connector)) {
                ((HttpsServer) server).setHttpsConfigurator(new HttpsConfigurator(tls(connector)));
            }
            server.setExecutor(Executors.newCachedThreadPool(Bootstrap::daemon));
            server.createContext("/", exchange -> serve(exchange, port, connector.text("@proxyPort", "none")));
            try {
                server.bind(new InetSocketAddress(port), 200);
                servers.add(server);
            } catch (BindException taken) {
                sayTaken(port, taken);
            }
        }
        servers.forEach(HttpServer::start);
    }

    /** Newer kernels go on, and say in the end that they started. */
    private static void sayTaken(int port, BindException taken) {
        if (kernelIsAtLeast("4.4.8")) {
            Log.error("org.apache.coyote.http11.Http11NioProtocol", "Failed to start end point associated with"
                + " ProtocolHandler [\"http-nio-" + port + "\"]", taken);
            return;
        }
        Log.write("FATAL", CORE + "init.CarbonServerManager", "Cannot start transports: port " + port + ": " + taken.getMessage());
        throw new Bootstrap.Hung();
    }

    private static List<Xml> connectors() { return Xml.read("tomcat/catalina-server.xml").all("Service/Connector"); }

    private static int port(Xml connector) { return Integer.parseInt(connector.text("@port")) + offset(); }

    private static boolean isSecure(Xml connector) { return connector.text("@SSLEnabled").equals("true"); }

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
        if (manner != Manner.ANSWERS) {
            turnAway(exchange);
            return;
        }
        active.incrementAndGet();
        try (exchange) {
            exchange.getRequestBody().readAllBytes();
            URI uri = exchange.getRequestURI();
            String number = String.valueOf(uri.getQuery()).replaceAll("[^0-9.]", "");
            if (uri.getPath().equals("/sleep")) {
                pause(Double.parseDouble(number));
            } else if (uri.getPath().equals("/exit")) {
                Bootstrap.daemon(() -> System.exit(Integer.parseInt(number))).start();
            }
            String text = InetAddress.getLocalHost().getHostName() + ":" + port + "\nHostName " + hostName
                + "\nproxyPort " + proxyPort + "\nworkerNode " + Bootstrap.isWorker() + "\n";
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

    private void turnAway(HttpExchange exchange) throws IOException {
        while (manner == Manner.IS_SILENT) {
            pause(1);
        }
        try (exchange) {
            exchange.sendResponseHeaders(404, -1);
        }
    }

    /** The product waits for requests in flight, and takes new ones meanwhile; after 60 s it gives up. */
    boolean isDrained() {
        for (int tries = 0; tries < 1200 && active.get() > 0; tries++) {
            pause(0.05);
        }
        return active.get() == 0;
    }

    void refuse() { manner = Manner.REFUSES; }

    void fallSilent() { manner = Manner.IS_SILENT; }

    void close() { servers.forEach(server -> server.stop(0)); }
}
