package org.wso2.carbon.bootstrap;

import static org.wso2.carbon.bootstrap.Bootstrap.CONF;
import static org.wso2.carbon.bootstrap.Bootstrap.HOME;

import java.util.*;
import javax.xml.namespace.QName;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.*;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** One configuration file. What counts are live elements, by their names without a default namespace. */
record Xml(Element root) {
    private static final XPath XPATH = XPathFactory.newInstance().newXPath();

    static Xml read(String name) {
        try {
            var builder = DocumentBuilderFactory.newInstance().newDocumentBuilder();
            return new Xml(builder.parse(CONF.resolve(name).toFile()).getDocumentElement());
        } catch (Exception broken) {
            Log.error("org.wso2.carbon.base.ServerConfiguration", "Error reading " + CONF.resolve(name), broken);
            throw new Bootstrap.Hung();
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
